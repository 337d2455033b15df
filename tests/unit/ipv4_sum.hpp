// The checksum of an IPv4 header (RFC 791 section 3.1), word by word: nothing of it is shared with the code under test.
#pragma once

#include "tests/unit/hex.hpp"

namespace strata::test {

inline void put16(Octets& octets, std::size_t at, std::size_t value) {
  octets[at] = static_cast<std::uint8_t>(value >> 8);
  octets[at + 1] = static_cast<std::uint8_t>(value);
}

// packet, with the sum made right of the header of so many octets that begins at `at`.
inline Octets with_ipv4_sum(Octets packet, std::size_t at = 0, std::size_t header = 20) {
  put16(packet, at + 10, 0);
  unsigned sum = 0;
  for (std::size_t i = at; i < at + header; i += 2) sum += packet[i] * 256U + packet[i + 1];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  put16(packet, at + 10, ~sum);
  return packet;
}

}  // namespace strata::test
