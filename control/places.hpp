// Where the tables have what a configuration names. What stays from one configuration to the next keeps its place.
#pragma once

#include <chrono>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "config/config.hpp"
#include "dataplane/packet/id.hpp"
#include "dataplane/wire/address.hpp"

namespace strata {

// Of the SAs that share addresses: whose turn is which ID (Builder::share_ip_ids).
struct IpIdTurn {
  std::uint16_t turn = 0;
  std::uint16_t step = 1;
  bool operator==(const IpIdTurn&) const = default;
};

struct Places {
  using Adjacencies = std::unordered_map<std::uint64_t, AdjId<V4>>;

  std::vector<std::uint32_t> sas;                            // by SA of the configuration: SaId or OutSaId
  std::vector<std::chrono::steady_clock::time_point> since;  // by SA of the configuration: when it came
  std::vector<IpIdTurn> ip_ids;                              // by SA of the configuration
  std::vector<std::uint32_t> sids;                           // by local SID of the configuration: SidId
  Adjacencies adjacencies;                                   // by key_of()

  static std::uint64_t key_of(PortId port, wire::Ipv4Address address) {
    return (std::uint64_t{port.index()} << 32) | address.value;
  }
};

// Places that nobody has: those that were left first, then behind the last one.
class FreePlaces {
 public:
  // size: places that were ever taken; room: all there are.
  FreePlaces(std::size_t size, std::size_t room) : taken_(size), room_(room) {}

  void take(std::uint32_t place) { taken_[place] = true; }
  // Once all that have one have it. Nothing: there is none.
  std::optional<std::uint32_t> next() {
    while (at_ < taken_.size() && taken_[at_]) ++at_;
    if (at_ == room_) return std::nullopt;
    return static_cast<std::uint32_t>(at_++);
  }

 private:
  std::vector<bool> taken_;
  std::size_t room_;
  std::size_t at_ = 0;
};

}  // namespace strata
