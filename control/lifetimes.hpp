// The lifetimes of SAs (RFC 4301 section 4.4.2.1): what each of them has carried, held against what it may.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "control/places.hpp"
#include "dataplane/table/tables.hpp"

namespace strata {

// RFC 2367 section 2.3.1. mature: in use; dying: beyond a soft limit; dead: beyond a hard one, it carries nothing.
enum class LifeState : std::uint8_t { mature, dying, dead };

const char* to_string(LifeState state);

// The last number that an SA may send.
std::uint64_t last_number_of(const OutboundSa& sa, const config::Lifetime& lifetime);

// One limit of a lifetime that was reached.
struct Expiry {
  const config::SecurityAssociation* sa;
  LifeState state;    // since then: dying or dead
  const char* limit;  // as the configuration calls it: seconds, bytes, packets
  std::uint64_t allowed;
  std::uint64_t reached;
};

// For the log: what has happened, and what is to be done.
std::string to_string(const Expiry& expiry);

// One thread looks at them and ends them; any may ask for their states.
class Lifetimes {
 public:
  using Clock = std::chrono::steady_clock;

  // What an SA has behind it.
  struct Age {
    std::uint64_t seconds = 0;
    std::uint64_t octets = 0;
    std::uint64_t packets = 0;
  };

  // config, tables: outlive it; with places they are of one another. Outbound SAs may send as many packets as their
  // hard limit says from now on, which is why a worker may not use new ones yet. Those without a lifetime are never
  // looked at. before: of the tables before these. What was told of an SA that has the same lifetime in both is not
  // told again, and if that is over it stays so.
  Lifetimes(const config::Config& config, const Places& places, Tables& tables, const Lifetimes* before = nullptr);

  bool empty() const { return lanes_.empty(); }
  std::size_t size() const { return lanes_.size(); }
  // What the keys of outbound SAs had behind them, by OutSaId. Their packets are their sequence numbers.
  void add_before(const std::vector<Age>& outbound);
  // Ends those whose hard limit is reached. Says so of each of them once, and of each soft limit.
  std::vector<Expiry> look(Clock::time_point now);

  struct Life {
    LifeState state;
    Age age;
  };
  // Of an SA of the configuration; nothing: it has no lifetime.
  std::optional<Life> life_of(const config::SecurityAssociation& sa, Clock::time_point now) const;

 private:
  struct Lane {
    const config::SecurityAssociation* of;
    Clock::time_point start;
    OutboundSa* out;  // one of the two
    const InboundSa* in;
    SpiEntry* entry;    // of `in`
    std::size_t place;  // in its table
    bool counts;        // has a limit in bytes or packets
    Age before{};
    Relaxed<LifeState> state = LifeState::mature;
  };

  static Lane lane_of(const config::SecurityAssociation& sa, std::size_t place, Clock::time_point start,
                      Tables& tables);
  // By which an SA is known while configurations change.
  static const void* known_by(const Lane& lane);
  static std::uint64_t seconds_of(const Lane& lane, Clock::time_point now);
  static Age age_of(const Lane& lane, Clock::time_point now);
  static void end(const Lane& lane);

  std::vector<Lane> lanes_;  // in the configuration's order
};

}  // namespace strata
