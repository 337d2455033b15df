// IPv4 fragments, made and put together octet by octet (RFC 791 section 3.2).
#pragma once

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/frames.hpp"

namespace strata::test {

inline constexpr std::uint16_t kMoreFragments = 0x2000;

struct Part {
  std::size_t offset;  // octets of payload
  std::size_t length;
  bool more = true;
};

// A part of a packet's payload under its header. Offset: a multiple of 8.
inline Octets fragment_of(Ipv4Fields fields, const Octets& payload, const Part& part) {
  fields.fragment = static_cast<std::uint16_t>(part.offset / 8 | (part.more ? kMoreFragments : 0));
  const auto first = payload.begin() + static_cast<std::ptrdiff_t>(part.offset);
  return ipv4(fields, Octets(first, first + static_cast<std::ptrdiff_t>(part.length)));
}

// The payload cut at these places, all but the last of them multiples of 8: 0, .., its length.
inline std::vector<Octets> cut_at(const Ipv4Fields& fields, const Octets& payload,
                                  const std::vector<std::size_t>& places) {
  std::vector<Octets> all;
  for (std::size_t i = 0; i + 1 < places.size(); ++i)
    all.push_back(fragment_of(fields, payload, {places[i], places[i + 1] - places[i], places[i + 1] != places.back()}));
  return all;
}

inline unsigned get16(const Octets& octets, std::size_t at) { return octets[at] * 256U + octets[at + 1]; }
inline std::size_t header_length(const Octets& packet) { return (packet[0] & 15U) * 4U; }
inline std::size_t offset_of(const Octets& fragment) { return (get16(fragment, 6) & 0x1fff) * 8; }
inline bool more_of(const Octets& fragment) { return (get16(fragment, 6) & kMoreFragments) != 0; }
inline Octets options_of(const Octets& packet) {
  return {packet.begin() + 20, packet.begin() + static_cast<std::ptrdiff_t>(header_length(packet))};
}
inline Octets payload_of(const Octets& packet) {
  return {packet.begin() + static_cast<std::ptrdiff_t>(header_length(packet)), packet.end()};
}

// RFC 791 section 3.1: right where all words of the header sum up to ffff.
inline bool header_checksum_is_right(const Octets& packet) {
  unsigned sum = 0;
  for (std::size_t i = 0; i < header_length(packet); i += 2) sum += get16(packet, i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return sum == 0xffff;
}

}  // namespace strata::test
