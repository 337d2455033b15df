// ESP (RFC 4303 section 2): the header in front, and the trailer at the end of what was decrypted.
//
//   | SPI 4 | sequence 4 | IV | payload | pad 1 2 3 .. P | P | next header | ICV
//                             '------------- plaintext -----------------'
#pragma once

#include <cstddef>
#include <cstdint>

#include "dataplane/wire/bytes.hpp"

namespace strata::wire {

inline constexpr std::size_t kEspHeaderLength = 8;
inline constexpr std::size_t kEspTrailerLength = 2;  // without padding

enum class EspFault : std::uint8_t { none, truncated };

class EspView {
 public:
  // packet: from the SPI. Only the header is asked for: how much must follow depends on the SA.
  static Checked<EspView, EspFault> check(Bytes packet) {
    if (packet.size() < kEspHeaderLength) return {{}, EspFault::truncated};
    return {EspView(packet.data()), EspFault::none};
  }

  std::uint32_t spi() const { return load_be32(data_); }

  // The 32 bits that are sent; with ESN the low half (RFC 4303 section 2.2.1).
  std::uint32_t sequence() const { return load_be32(data_ + 4); }

 private:
  EspView() = default;
  explicit EspView(const std::uint8_t* data) : data_(data) {}

  const std::uint8_t* data_ = nullptr;
};

enum class TrailerFault : std::uint8_t { none, bad_length, bad_pad };

struct EspTrailer {
  TrailerFault fault;
  std::uint8_t next_header;    // 0 where there is a fault
  std::size_t payload_length;  // octets before the padding; 0 where there is a fault
  explicit operator bool() const { return fault == TrailerFault::none; }
};

namespace detail {

// The end of 8 octets, as it lies in memory.
struct Ending {
  std::uint64_t octets;
  std::uint64_t mask;  // of those that belong to it
};
// last: from the right.
constexpr Ending ending(std::uint64_t last, unsigned octets) {
  return {be(last), be(~std::uint64_t{0} >> (64 - 8 * octets))};
}

// 1, 2, .. P, P, by P.
inline constexpr Ending kCountingUp[8] = {
    ending(0x00, 1),         ending(0x0101, 2),         ending(0x010202, 3),         ending(0x01020303, 4),
    ending(0x0102030404, 5), ending(0x010203040505, 6), ending(0x01020304050606, 7), ending(0x0102030405060707, 8)};

// Whether the P = count octets that end before `end`, where P itself stands, are 1, 2, .. P.
[[gnu::noinline]] inline bool padding_counts_up(const std::uint8_t* end, std::size_t count) {
  unsigned difference = 0;
  for (std::size_t i = 0; i < count; ++i)
    difference |= static_cast<unsigned>(end[i - count]) ^ static_cast<unsigned>(i + 1);
  return difference == 0;
}

// Short padding, the usual case, is compared as one word, with its length behind it, so that this length, which differs
// packet by packet, costs no mispredicted branch. room: how many octets can be read before `end`. False: perhaps.
inline bool is_short_padding(const std::uint8_t* end, std::size_t count, std::size_t room) {
  if (count >= 8 || room < 7) [[unlikely]]
    return false;
  return ((load_native<std::uint64_t>(end - 7) ^ kCountingUp[count].octets) & kCountingUp[count].mask) == 0;
}

}  // namespace detail

// Takes the trailer off what was decrypted: plaintext is all between IV and ICV. RFC 4303 sections 2.4 to 2.6.
// bad_length: no room for the trailer, or for the padding that it announces; bad_pad: the padding is not 1, 2, 3, ...
inline EspTrailer check_trailer(Bytes plaintext) {
  if (plaintext.size() < kEspTrailerLength) [[unlikely]]
    return {TrailerFault::bad_length, 0, 0};
  const std::size_t room = plaintext.size() - kEspTrailerLength;
  const std::uint8_t* trailer = plaintext.data() + room;
  const std::size_t pad_length = trailer[0];
  if (pad_length > room) [[unlikely]]
    return {TrailerFault::bad_length, 0, 0};
  if (!detail::is_short_padding(trailer, pad_length, room) && !detail::padding_counts_up(trailer, pad_length))
      [[unlikely]]
    return {TrailerFault::bad_pad, 0, 0};
  return {TrailerFault::none, trailer[1], room - pad_length};
}

// The same of most plaintexts, in one look: octets before the padding where that is no longer than 7 octets, and right,
// and names this next header. 0: perhaps check_trailer finds more.
inline std::size_t payload_before_short_padding(Bytes plaintext, std::uint8_t next_header) {
  constexpr std::size_t kRoom = 7;
  if (plaintext.size() < kRoom + kEspTrailerLength) [[unlikely]]
    return 0;
  const std::size_t room = plaintext.size() - kEspTrailerLength;
  const std::uint8_t* trailer = plaintext.data() + room;
  if (trailer[1] != next_header || !detail::is_short_padding(trailer, trailer[0], kRoom)) [[unlikely]]
    return 0;
  return room - trailer[0];
}

}  // namespace strata::wire
