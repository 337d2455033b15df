// Two gateways and what passes between them, for a measurement.
//
//   10.x.y.0/24 for each SA     sender ── 192.0.2.0/24: ESP in UDP (IPv6 to a SID of its own (IPv4)) ──> receiver
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "bench/options.hpp"
#include "secret/memory.hpp"

namespace strata::bench {

inline constexpr std::size_t kLan = 0;  // index of the ports, of both gateways
inline constexpr std::size_t kWan = 1;

struct Scene {
  unsigned sas;
  unsigned routes;
  config::Algorithm algorithm;
  bool esn;
  unsigned window;
};

config::Config sender(const Scene& scene);
config::Config receiver(const Scene& scene);

// An Ethernet frame to the sender's lan: an IPv4 packet of so many octets, which the first SA is for.
std::vector<std::uint8_t> frame(unsigned size);
// Makes it one that this SA is for.
void address(std::vector<std::uint8_t>& frame, unsigned sa);
// Of a frame before the sender (out) or between the two (in).
unsigned sa_of(Direction direction, std::span<const std::uint8_t> frame);

// The cipher's key, then 4 octets of salt, of one SA.
secret::Octets key_of(unsigned sa);

}  // namespace strata::bench
