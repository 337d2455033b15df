// The lifetimes of SAs (RFC 4301 section 4.4.2.1): what each of them has carried, held against what it may.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "dataplane/table/tables.hpp"

namespace strata {

// RFC 2367 section 2.3.1. mature: in use; dying: beyond a soft limit; dead: beyond a hard one, it carries nothing.
enum class LifeState : std::uint8_t { mature, dying, dead };

const char* to_string(LifeState state);

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

  // config, tables: outlive it, and are of one another. Before any worker uses the tables: outbound SAs are let send no
  // more packets than their hard limit says. Those without a lifetime are never looked at.
  Lifetimes(const config::Config& config, Tables& tables, Clock::time_point start);

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
    OutboundSa* out;  // one of the two
    const InboundSa* in;
    SpiEntry* entry;    // of `in`
    std::size_t place;  // in its table
    bool counts;        // has a limit in bytes or packets
    Age before{};
    Relaxed<LifeState> state = LifeState::mature;
  };

  Lane lane_of(const config::SecurityAssociation& sa, std::size_t place, Tables& tables);
  std::uint64_t seconds_of(const Lane& lane, Clock::time_point now) const;
  Age age_of(const Lane& lane, Clock::time_point now) const;
  static void end(const Lane& lane);

  Clock::time_point start_;
  std::vector<Lane> lanes_;  // in the configuration's order
};

}  // namespace strata
