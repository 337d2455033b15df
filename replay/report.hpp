// What `strata replay` reports: the account of all packets, for people and as JSON (docs/replay.md has the keys).
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "control/ledger.hpp"
#include "dataplane/drop/cause.hpp"
#include "dataplane/wire/address.hpp"
#include "replay/difference.hpp"

namespace strata::replay {

// RFC 4303 asks for these to be auditable.
struct AuditEvent {
  Cause cause = Cause::esp_no_sa;
  std::string port;
  std::optional<std::uint32_t> spi;  // nothing: a fragment that does not show it
  std::string source;                // of the outer packet; of the one inside where that was judged
  std::string destination;
  std::optional<std::uint32_t> sequence;  // as on the wire; nothing once the packet was opened
  std::uint64_t time_ns = 0;
};

struct Expectation {
  std::string port;
  std::string file;
  std::optional<Difference> difference;
  std::string error;  // the file could not be compared
  bool match() const { return !difference && error.empty(); }
};

enum class End : std::uint8_t { sent, dropped, consumed, punted, parked };

constexpr End end_of(Fate fate) {
  switch (fate) {
    case Fate::dropped: return End::dropped;
    case Fate::consumed: return End::consumed;
    case Fate::punted: return End::punted;
  }
  return End::dropped;
}

struct ExplainedPacket {
  std::uint64_t number = 0;  // from 1, over all ports in the order of arrival
  std::string port;          // it came in at
  std::string summary;       // summary() of the frame as it came in
  std::vector<std::string> steps;
  End end = End::sent;
  std::optional<Cause> cause;     // all ends but sent have one
  std::string reason;             // empty: the cause's own sentence
  std::optional<std::string> to;  // the port, when sent
};

struct Report : Ledger {
  std::string config;
  std::vector<AuditEvent> audit;
  bool explained = false;  // packets is filled, possibly with none
  std::vector<ExplainedPacket> packets;
  std::vector<Expectation> expect;
  double seconds = 0;  // with reading and writing the captures
  double packets_per_second = 0;
  double dataplane_seconds = 0;  // from receiving a burst to sending it
  double dataplane_packets_per_second = 0;
  std::vector<std::string> errors;
};

/// One line, with its newline: "#3 wan 192.0.2.2 > ... | classify: ... | dropped esp.replayed: ... (RFC 4303 3.4.3)".
std::string to_line(const ExplainedPacket& packet);

/// The whole report for people: the explained packets, tables, differences, and the line that adds up last.
std::string to_text(const Report& report);

/// The keys stand in the order of docs/replay.md.
nlohmann::ordered_json to_json(const Report& report);

std::string to_json_text(const Report& report);

}  // namespace strata::replay
