// The account of all packets: what came in and what became of it, for people and as JSON.
#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/drop/cause.hpp"

namespace strata {

struct PortCount {
  std::string name;
  std::uint64_t received = 0;
  std::uint64_t sent = 0;
};

// RFC 4301 and RFC 8986 section 6: what went well only.
struct Volume {
  std::string name;  // of the SA, or the SID with its length
  std::uint64_t packets = 0;
  std::uint64_t octets = 0;
};

void add(Volume& sum, const Volume& more);

// What SAs and local SIDs had carried that a reload has taken away.
struct Gone {
  Volume inbound;
  Volume outbound;
  Volume sids;
};

// A step of the journey between the ports (docs/journey.md), and the packets that it took.
struct StepCount {
  std::string_view name;
  std::uint64_t packets = 0;
};

struct Ledger {
  std::uint64_t received = 0;
  std::uint64_t generated = 0;  // packets that began in the gateway itself
  std::uint64_t sent = 0;
  std::uint64_t parked = 0;
  std::array<std::uint64_t, kCauseCount> causes{};  // indexed by Cause
  std::vector<PortCount> ports;
  std::vector<StepCount> steps;
  std::vector<Volume> security_associations;
  std::vector<Volume> local_sids;
  // Of all together that a reload has taken away.
  Volume gone_security_associations;
  Volume gone_local_sids;
  std::uint64_t audit_suppressed = 0;
  std::uint64_t icmp_errors_limited = 0;  // kept back by icmp.errors_per_second
  std::uint64_t ecn_anomalies = 0;  // marks that no honest path makes, forwarded all the same (RFC 6040 section 4.2)

  std::uint64_t total(Fate fate) const;
  /// What came in less what is accounted for; 0 when balanced.
  std::int64_t missing() const;
  bool balanced() const { return missing() == 0; }
};

std::string_view name_of(Fate fate);

/// "this sequence number was received before (RFC 4303 3.4.3)".
std::string sentence_of(Cause cause);

/// "0x1001".
std::string spi_text(std::uint32_t spi);

/// Joins parts by an empty line; nothing of a part that is empty.
void add_part(std::string& text, const std::string& part);

/// Tables of ports, steps, causes, SAs and SIDs.
std::string to_text(const Ledger& ledger);
std::string ecn_text(const Ledger& ledger);
std::string icmp_text(const Ledger& ledger);
/// The line that adds up.
std::string balance_text(const Ledger& ledger);

/// Adds the keys, in the order of docs/replay.md.
void add_ledger(nlohmann::ordered_json& json, const Ledger& ledger);

nlohmann::ordered_json volume_json(const Volume& volume);

/// As text with its newline; octets that are no UTF-8 (in a file's name) become U+FFFD.
std::string printed(const nlohmann::ordered_json& json);

}  // namespace strata
