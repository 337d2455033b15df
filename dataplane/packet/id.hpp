// Indices into the tables, one type for each table, so that none can be taken for another.
#pragma once

#include <cstdint>
#include <limits>

namespace strata {

// No default: whoever makes a row says which entry is meant, or says none() in so many letters.
template <class Of, class Rep>
class Id {
 public:
  constexpr explicit Id(Rep index) : index_(index) {}
  static constexpr Id none() { return Id(std::numeric_limits<Rep>::max()); }

  constexpr Rep index() const { return index_; }
  constexpr bool is_none() const { return index_ == std::numeric_limits<Rep>::max(); }
  constexpr bool operator==(const Id&) const = default;

 private:
  Rep index_;
};

struct V4;
struct V6;
template <class Family>
struct OfAdjacencies;

using PortId = Id<struct OfPorts, std::uint8_t>;
using WorkerId = Id<struct OfWorkers, std::uint8_t>;
using SaId = Id<struct OfSas, std::uint32_t>;
using OutSaId = Id<struct OfOutSas, std::uint32_t>;
using SidId = Id<struct OfSids, std::uint32_t>;
using PolicyId = Id<struct OfPolicies, std::uint32_t>;

// The one that answers ARP, ICMP and fragments. It is a worker like the others for all else.
inline constexpr WorkerId kHostWorker{0};

// A next hop on a link. none(): not settled, the route look-up decides.
template <class Family>
using AdjId = Id<OfAdjacencies<Family>, std::uint32_t>;

}  // namespace strata
