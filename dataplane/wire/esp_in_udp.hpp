// What stands before the sequence number in a packet of ESP in UDP (RFC 3948 section 2.1) without IPv4 options, to tell
// packets by that say the same there.
//
//   | 45 TOS length | ID flags, offset | TTL 17 sum | source | destination | ports | length sum | SPI |
//   0                 4                  8            12       16            20      24           28    32
#pragma once

#include <emmintrin.h>

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
  static EspInUdpHead of(const std::uint8_t* packet) { return {low(packet), high(packet)}; }

  // Of no packet.
  static EspInUdpHead none() { return {_mm_setzero_si128(), _mm_setzero_si128()}; }

  // Whether a packet's, of kLength octets at the least, says the same, but for both lengths, the ID, and both sums.
  bool says_the_same(const std::uint8_t* packet) const {
    const __m128i difference = _mm_or_si128(_mm_and_si128(_mm_xor_si128(low(packet), low_), kept_low()),
                                            _mm_and_si128(_mm_xor_si128(high(packet), high_), kept_high()));
    return _mm_movemask_epi8(_mm_cmpeq_epi8(difference, _mm_setzero_si128())) == 0xffff;
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
  EspInUdpHead(__m128i low, __m128i high) : low_(low), high_(high) {}

  static __m128i low(const std::uint8_t* packet) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(packet)); }
  static __m128i high(const std::uint8_t* packet) { return low(packet + sizeof(__m128i)); }
  static __m128i kept_low() { return _mm_setr_epi8(-1, -1, 0, 0, 0, 0, -1, -1, -1, -1, 0, 0, -1, -1, -1, -1); }
  static __m128i kept_high() { return _mm_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, -1, -1, -1, -1); }

  __m128i low_, high_;
};
static_assert(EspInUdpHead::kLength == 2 * sizeof(__m128i));

}  // namespace strata::wire
