// What stands before the sequence number in a packet of ESP in UDP (RFC 3948 section 2.1) without IPv4 options, to tell
// packets by that say the same there.
//
//   | 45 TOS length | ID flags, offset | TTL 17 sum | source | destination | ports | length sum | SPI |
//   0                 4                  8            12       16            20      24           28    32
#pragma once

#include <cstddef>
#include <cstdint>

#include "dataplane/wire/bytes.hpp"
#include "dataplane/wire/ipv4.hpp"
#include "dataplane/wire/udp.hpp"

namespace strata::wire {

class EspInUdpHead {
 public:
  static constexpr std::size_t kEspOffset = kIpv4MinHeaderLength + kUdpHeaderLength;
  static constexpr std::size_t kLength = kEspOffset + 4;

  // packet: kLength octets at the least.
  explicit EspInUdpHead(const std::uint8_t* packet)
      : begin_(word(packet)), source_(word(packet + 8)), destination_(word(packet + 16)), spi_(half(packet + 28)) {}

  // Whether a packet's, of kLength octets at the least, says the same, but for both lengths, the ID, and both sums.
  bool says_the_same(const std::uint8_t* packet) const {
    constexpr std::uint64_t kNoLengthAndId = detail::be(std::uint64_t{0xffff'0000'0000'ffff});
    constexpr std::uint64_t kNoSum = detail::be(std::uint64_t{0xffff'0000'ffff'ffff});
    return (((word(packet) ^ begin_) & kNoLengthAndId) | ((word(packet + 8) ^ source_) & kNoSum) |
            (word(packet + 16) ^ destination_) | (half(packet + 28) ^ spi_)) == 0;
  }

  // This head's packet was found right. What of another one that says the same is left to be judged: both lengths, and
  // the sum unless that is known. Octets of its ESP; 0: it says something else, or is not right, or its UDP does not
  // fill its IPv4 packet.
  [[gnu::always_inline]] std::size_t esp_behind(Bytes packet, HeaderSum sum) const {
    const std::uint8_t* p = packet.data();
    if (packet.size() < kLength || !says_the_same(p)) return 0;
    const std::size_t total = load_be16(p + 2);
    const std::size_t udp = load_be16(p + kIpv4MinHeaderLength + 4);
    if (total > packet.size() || total < kLength || udp + kIpv4MinHeaderLength != total) [[unlikely]]
      return 0;
    if (sum == HeaderSum::unknown && !ipv4_header_sum_is_right(p, kIpv4MinHeaderLength)) [[unlikely]]
      return 0;
    return total - kEspOffset;
  }

 private:
  // As they lie in memory.
  static std::uint64_t word(const std::uint8_t* p) { return detail::load_native<std::uint64_t>(p); }
  static std::uint32_t half(const std::uint8_t* p) { return detail::load_native<std::uint32_t>(p); }

  std::uint64_t begin_;
  std::uint64_t source_;       // and TTL and protocol before it
  std::uint64_t destination_;  // and the ports behind it
  std::uint32_t spi_;
};

}  // namespace strata::wire
