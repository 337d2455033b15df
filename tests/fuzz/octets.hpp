// Reading and writing octets in network order, and the Internet checksum (RFC 1071): the fuzzers' own, so that strata's
// are not judged by themselves. All offsets are the caller's to check, but read() is 0 beyond the end.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/script.hpp"

namespace strata::fuzz {

inline std::uint64_t read(Bytes octets, std::size_t at, unsigned size) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < size; ++i) value = value << 8 | (at + i < octets.size() ? octets[at + i] : 0U);
  return value;
}
inline std::size_t be16(Bytes octets, std::size_t at) { return read(octets, at, 2); }

inline void put(Octets& octets, std::uint64_t value, unsigned size) {
  while (size-- > 0) octets.push_back(static_cast<std::uint8_t>(value >> 8 * size));
}
inline void set16(std::span<std::uint8_t> octets, std::size_t at, std::size_t value) {
  octets[at] = static_cast<std::uint8_t>(value >> 8);
  octets[at + 1] = static_cast<std::uint8_t>(value);
}

// The ones' complement sum, an odd last octet followed by zero. RFC 1071 section 1.
inline std::size_t ones_sum(Bytes octets, std::size_t start = 0) {
  std::size_t sum = start;
  for (std::size_t i = 0; i < octets.size(); i += 2) sum += be16(octets, i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

// Of the IPv4 header at `at`, as far as it is there.
inline void set_header_sum(std::span<std::uint8_t> octets, std::size_t at) {
  const std::size_t length = std::min<std::size_t>((octets[at] & 0x0fU) * 4U, octets.size() - at);
  set16(octets, at + 10, 0);
  set16(octets, at + 10, ~ones_sum(octets.subspan(at, length)));
}

}  // namespace strata::fuzz
