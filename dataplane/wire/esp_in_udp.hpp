// What stands before the sequence number in an untagged frame of ESP in UDP (RFC 3948 section 2.1) without IPv4
// options, to tell frames by that say the same there.
//
//   | destination, source, 0800 | 45 TOS | length ID | flags, offset | TTL 17 sum | source | destination, ports |
//   0                           14       16          20              22           26       30
//                                                                                     | length sum | SPI | sequence |
//                                                                                     38           42    46         50
#pragma once

#include <cstddef>
#include <cstdint>

#include "dataplane/wire/bytes.hpp"
#include "dataplane/wire/checksum.hpp"
#include "dataplane/wire/ethernet.hpp"
#include "dataplane/wire/ipv4.hpp"
#include "dataplane/wire/udp.hpp"

namespace strata::wire {

class EspInUdpHead {
 public:
  static constexpr std::size_t kIpv4Offset = kEthernetHeaderLength;
  static constexpr std::size_t kUdpOffset = kIpv4Offset + kIpv4MinHeaderLength;
  static constexpr std::size_t kEspOffset = kUdpOffset + kUdpHeaderLength;
  static constexpr std::size_t kLength = kEspOffset + 8;  // octets; SPI and sequence number with them

  // frame: kLength octets at the least.
  explicit EspInUdpHead(const std::uint8_t* frame)
      : stations_(word(frame)),
        ipv4_(word(frame + 8)),
        fragment_(word(frame + 16)),
        source_(word(frame + 24)),
        destination_(word(frame + 30)),
        sum_(half(frame + 14) + half(frame + 20) + half(frame + 22) + quad(frame + 26) + quad(frame + 30)) {}

  // Whether a frame's, of kLength octets at the least, says the same, but for both lengths, the ID, both sums, SPI and
  // sequence number.
  bool says_the_same(const std::uint8_t* frame) const {
    constexpr std::uint64_t kNoLengthAndId = detail::be(std::uint64_t{0x0000'0000'ffff'ffff});
    constexpr std::uint64_t kNoSum = detail::be(std::uint64_t{0x0000'ffff'ffff'ffff});
    return ((word(frame) ^ stations_) | (word(frame + 8) ^ ipv4_) | ((word(frame + 16) ^ fragment_) & kNoLengthAndId) |
            ((word(frame + 24) ^ source_) & kNoSum) | (word(frame + 30) ^ destination_)) == 0;
  }

  // This head's frame was found right. What of another one that says the same is left to be judged: both lengths, and
  // the sum unless that is known. Octets of its ESP, a header's at the least; 0: it says something else, or is not
  // right, or its UDP does not fill its IPv4 packet.
  [[gnu::always_inline]] std::size_t esp_in(Bytes frame, HeaderSum sum) const {
    const std::uint8_t* p = frame.data();
    if (frame.size() < kLength || !says_the_same(p)) return 0;
    const std::size_t total = load_be16(p + kIpv4Offset + 2);
    const std::size_t udp = load_be16(p + kUdpOffset + 4);
    constexpr std::size_t kLeast = kLength - kIpv4Offset;
    if (total < kLeast || total > frame.size() - kIpv4Offset || udp + kIpv4MinHeaderLength != total) [[unlikely]]
      return 0;
    if (sum == HeaderSum::unknown && !sums_up(p)) [[unlikely]]
      return 0;
    return total - (kEspOffset - kIpv4Offset);
  }

 private:
  // RFC 1071 section 2, as ipv4_header_sum_is_right; all but length, ID and the sum itself was added up once.
  bool sums_up(const std::uint8_t* frame) const {
    return detail::is_nothing(sum_ + quad(frame + 16) + half(frame + kIpv4Offset + 10));
  }

  // As they lie in memory.
  static std::uint64_t word(const std::uint8_t* p) { return detail::load_native<std::uint64_t>(p); }
  static std::uint64_t quad(const std::uint8_t* p) { return detail::load_native<std::uint32_t>(p); }
  static std::uint64_t half(const std::uint8_t* p) { return detail::load_native<std::uint16_t>(p); }

  std::uint64_t stations_;
  std::uint64_t ipv4_;         // and what of Ethernet is before it
  std::uint64_t fragment_;     // and TTL and protocol behind it
  std::uint64_t source_;       // and the sum before it, and two octets behind it
  std::uint64_t destination_;  // and the ports behind it
  std::uint64_t sum_;          // of the IPv4 header's words but those that are not compared
};

}  // namespace strata::wire
