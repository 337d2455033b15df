// The Internet checksum, from scratch (RFC 1071) and by what changed (RFC 1624).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "dataplane/wire/bytes.hpp"

namespace strata::wire {

namespace detail {

// The carries above the low 16 bits go back in at the bottom until there are none (RFC 1071 section 2 (A)).
constexpr std::uint16_t fold(std::uint64_t sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

constexpr std::uint16_t fold(std::uint32_t sum) {
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>((sum & 0xffff) + (sum >> 16));
}

// Words are added as the machine reads them: the sum of swapped words is the swapped sum (RFC 1071 section 2 (B)).
inline std::uint64_t sum_words32(const std::uint8_t* p, std::size_t octets) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i + 4 <= octets; i += 4) sum += load_native<std::uint32_t>(p + i);
  return sum;
}

}  // namespace detail

// The checksum of any number of octets, an odd last one taken as followed by zero: the value for store_be16, that is
// the complement of the ones' complement sum. Over octets that already hold their right checksum it is 0. RFC 1071.
inline std::uint16_t checksum(Bytes bytes) {
  std::uint64_t sum = detail::sum_words32(bytes.data(), bytes.size());
  const std::size_t rest = bytes.size() % 4;
  if (rest != 0) {
    std::uint32_t last = 0;
    std::memcpy(&last, bytes.data() + bytes.size() - rest, rest);
    sum += last;
  }
  return static_cast<std::uint16_t>(~detail::be(detail::fold(sum)));
}

// The checksum after one 16-bit word that it covers went from old_word to new_word; all three in host order.
//
// RFC 1624 section 3, equation 3: HC' = ~(~HC + ~m + m'). The result is what checksum() would give anew, 0000 and ffff
// included, unless the words covered are all 0 afterwards, which those of an IPv4 header never are.
constexpr std::uint16_t checksum_update(std::uint16_t old_checksum, std::uint16_t old_word, std::uint16_t new_word) {
  std::uint32_t sum = std::uint32_t{static_cast<std::uint16_t>(~old_checksum)};
  sum += std::uint32_t{static_cast<std::uint16_t>(~old_word)};
  sum += new_word;
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

namespace detail {

// Whether the words of an IPv4 header add up right. RFC 1071 section 2: ones' complement sums are sums modulo 0xffff.
// 0 itself, which would be wrong, is none of a header that has a version. Compilers make one multiplication of it,
// where folding takes three steps.
constexpr bool is_nothing(std::uint64_t sum) { return sum % 0xffff == 0; }

// Of an IPv4 header without options; carries go back in at the bottom (RFC 1071 section 2 (A)).
inline std::uint64_t sum_of_20(const std::uint8_t* p) {
  std::uint64_t sum = load_native<std::uint64_t>(p);
  const auto more = load_native<std::uint64_t>(p + 8);
  sum += more;
  sum += static_cast<std::uint64_t>(sum < more);
  const std::uint64_t last = load_native<std::uint32_t>(p + 16);
  sum += last;
  sum += static_cast<std::uint64_t>(sum < last);
  return sum;
}

}  // namespace detail

// Whether an IPv4 header of 20 to 60 octets (a multiple of 4) sums up right. RFC 791 section 3.1.
inline bool ipv4_header_sum_is_right(const std::uint8_t* header, std::size_t octets) {
  // Options are rare: with the usual length known, the additions need no loop.
  const std::uint64_t sum = octets == 20 ? detail::sum_of_20(header) : detail::sum_words32(header, octets);
  return detail::is_nothing(sum);
}

}  // namespace strata::wire
