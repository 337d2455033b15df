// Of TCP (RFC 9293) what a router may touch: the maximum segment size that a SYN announces.
//
//  0: source port  2: destination port  4: sequence  8: acknowledgment  12: data offset 4  13: flags  14: window
//  16: checksum   18: urgent   20: options, to data offset * 4; MSS is  2 | 4 | MSS 2
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/wire/bytes.hpp"
#include "dataplane/wire/checksum.hpp"
#include "dataplane/wire/protocol.hpp"

namespace strata::wire {

namespace detail {

// The checksum counts words from the start of the TCP header; an MSS at an odd place straddles two of them, and there
// its octets stand swapped (RFC 1071 section 2 (B)).
inline void tcp_set_mss(std::uint8_t* tcp, std::size_t at, std::uint16_t mss) {
  const auto swapped = [at](std::uint16_t word) { return at % 2 == 0 ? word : __builtin_bswap16(word); };
  const std::uint16_t sum = checksum_update(load_be16(tcp + 16), swapped(load_be16(tcp + at)), swapped(mss));
  store_be16(tcp + 16, sum);
  store_be16(tcp + at, mss);
}

}  // namespace detail

// Lowers the MSS of a TCP SYN in a checked IPv4 packet to mss octets, and its checksum with it. All else stays.
// A segment without the option is let be: RFC 9293 section 3.7.1 makes it 536.
inline void clamp_tcp_mss(std::span<std::uint8_t> packet, std::uint16_t mss) {
  constexpr std::size_t kMinHeader = 20;
  constexpr std::uint8_t kSyn = 0x02;
  const std::size_t ip_header = (packet[0] & 0x0fU) * 4U;
  if (packet[9] != kProtocolTcp || (load_be16(&packet[6]) & 0x1fff) != 0) return;
  if (packet.size() < ip_header + kMinHeader) return;
  std::uint8_t* tcp = &packet[ip_header];
  const std::size_t header = (tcp[12] >> 4) * 4U;
  if ((tcp[13] & kSyn) == 0 || header < kMinHeader || packet.size() < ip_header + header) return;
  for (std::size_t at = kMinHeader; at < header;) {
    const std::uint8_t kind = tcp[at];
    if (kind == 0) return;
    if (kind == 1) {
      ++at;
      continue;
    }
    if (at + 1 >= header || tcp[at + 1] < 2 || at + tcp[at + 1] > header) return;
    if (kind == 2 && tcp[at + 1] == 4) {
      if (load_be16(tcp + at + 2) > mss) detail::tcp_set_mss(tcp, at + 2, mss);
      return;
    }
    at += tcp[at + 1];
  }
}

}  // namespace strata::wire
