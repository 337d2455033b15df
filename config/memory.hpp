// The memory that a configuration takes, as far as arithmetic knows it. tests/unit/memory_test.cpp holds it against
// what is taken.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "config/config.hpp"

namespace strata::config {

// Packets that wait on each port until neighbors answer.
inline constexpr unsigned kWaitingEachPort = 512;

// SAs of a direction, SIDs or next hops that a gateway has room for when it starts with so many: a reload may add some.
constexpr std::size_t room_for(std::size_t count) { return count + std::max(count, std::size_t{4096}); }

// In octets.
struct MemoryNeed {
  // Of DPDK's memory, whose size is eal.memory:
  std::uint64_t routes = 0;
  std::uint64_t neighbors = 0;
  std::uint64_t reassembly = 0;
  std::uint64_t buffers = 0;  // of packets
  std::uint64_t rings = 0;    // between workers
  // Of the process's own:
  std::uint64_t tables = 0;

  // For eal.memory, with room for what is not counted (ports' rings, gaps), and for the routes that a reload makes
  // beside those in force.
  [[nodiscard]] std::uint32_t eal_mib() const;
};

MemoryNeed memory_need(const Config& config);

// Where the configuration says none: what is needed, and no less than this.
inline constexpr std::uint32_t kLeastMemoryUnsaid = 512;
std::uint32_t memory_unsaid(const Config& config);

}  // namespace strata::config
