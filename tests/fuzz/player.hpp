// Plays what arrives to the real worker, and keeps all that it shows to the outside.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/build.hpp"
#include "dataplane/worker.hpp"
#include "tests/fuzz/arrivals.hpp"
#include "tests/fuzz/fail.hpp"
#include "tests/unit/mbuf_probe.hpp"

namespace strata::fuzz {

struct Sent {
  std::size_t port;
  Octets frame;
  bool operator==(const Sent&) const = default;
};

struct Outcome {
  std::vector<Sent> sent;  // as they left, port by port within each turn
  std::array<std::uint64_t, kCauseCount> ends{};
  std::vector<std::uint64_t> figures;  // steps, SAs, SIDs, ICMP errors, what the audit suppressed
  std::vector<std::string> audit;
  std::vector<std::uint64_t> tops;    // the highest number that was believed, by inbound SA
  std::vector<std::uint64_t> sealed;  // packets, by outbound SA
  std::uint64_t joined = 0;           // fragments that went into whole packets

  std::uint64_t count(Cause cause) const { return ends[static_cast<std::size_t>(cause)]; }
  // Why the two are not the same; empty: they are.
  std::string difference(const Outcome& other) const;
};

// straight: as where nobody looks on. steps: as for strata trace, each step for the whole burst.
enum class Way : std::uint8_t { straight, steps };

// One gateway: its ports and tables live as long as the process, all that has a state begins anew with each play.
class Player {
 public:
  explicit Player(const config::Config& config);
  Player(const Player&) = delete;
  Player& operator=(const Player&) = delete;

  // poison: of all buffers before, and of those of the frames. Aborts, saying why, where packets are not conserved.
  Outcome play(const Arrivals& arrivals, Poison poison, Way way);

 private:
  void begin(Poison poison);
  void turn(const Turn& turn, Poison poison, Way way);
  std::size_t feed(const Turn& turn, Poison poison);
  void take_all_buffers();
  void tick_until(std::uint64_t now_ns);
  void collect();
  void check_conserved(const char* when);
  void finish();
  void add_figures();

  const config::Config& config_;
  Pool pool_;
  std::vector<std::string> names_;
  std::vector<RingPort> ports_;
  std::array<std::uint16_t, kMaxPorts> devices_{};
  test::RawBuffers chains_;
  std::unique_ptr<Tables> tables_;
  AdjacencyTable adjacencies_;         // as they were at the start
  std::vector<std::uint16_t> ip_ids_;  // the same, by outbound SA
  std::unique_ptr<Worker> worker_;
  std::vector<Stock> taken_;  // buffers that nobody else is to have
  std::uint64_t now_ns_ = 0;
  std::uint64_t received_ = 0;
  Outcome outcome_;
};

}  // namespace strata::fuzz
