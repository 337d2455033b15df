#include "dataplane/wire/esp.hpp"

#include <gtest/gtest.h>

#include "tests/unit/hex.hpp"

namespace strata::wire {
namespace {

using test::from_hex;
using test::Octets;

// payload octets of cc, then P octets 1, 2, .. P, then P and the next header.
Octets plaintext(std::size_t payload, std::size_t pad, std::uint8_t next_header) {
  Octets octets(payload, 0xcc);
  for (std::size_t i = 1; i <= pad; ++i) octets.push_back(static_cast<std::uint8_t>(i));
  octets.push_back(static_cast<std::uint8_t>(pad));
  octets.push_back(next_header);
  return octets;
}

TEST(WireEsp, Header) {
  const Octets octets = from_hex("00001001 fffffffe");
  const auto checked = EspView::check(octets);
  ASSERT_TRUE(checked);
  EXPECT_EQ(checked.view.spi(), 0x1001u);
  EXPECT_EQ(checked.view.sequence(), 0xfffffffeu);
  EXPECT_EQ(EspView::check(Bytes(octets).first(7)).fault, EspFault::truncated);
}

TEST(WireEsp, Duty09_TrailersByHand) {
  const struct {
    const char* hex;
    TrailerFault fault;
    std::size_t payload;
    std::uint8_t next_header;
  } cases[] = {
      {"", TrailerFault::bad_length, 0, 0},
      {"29", TrailerFault::bad_length, 0, 0},
      {"0029", TrailerFault::none, 0, 41},
      {"0129", TrailerFault::bad_length, 0, 0},
      {"01 0129", TrailerFault::none, 0, 41},
      {"02 0129", TrailerFault::bad_pad, 0, 0},
      {"aabbccdd 0102 0229", TrailerFault::none, 4, 41},
      {"aabbccdd 0202 0229", TrailerFault::bad_pad, 0, 0},
      {"aabbccdd 0000 0229", TrailerFault::bad_pad, 0, 0},
      {"aabbccdd 010203 033b", TrailerFault::none, 4, 59},
      {"aabbccddeeff0011 010203 0304", TrailerFault::none, 8, 4},
      {"aabbccddeeff0011 010204 0304", TrailerFault::bad_pad, 0, 0},
      {"01020304050607 0829", TrailerFault::bad_length, 0, 0},
      {"0102030405060708 0829", TrailerFault::none, 0, 41},
  };
  for (const auto& c : cases) {
    const EspTrailer t = check_trailer(from_hex(c.hex));
    EXPECT_EQ(t.fault, c.fault) << c.hex;
    EXPECT_EQ(t.payload_length, c.payload) << c.hex;
    EXPECT_EQ(t.next_header, c.next_header) << c.hex;
    EXPECT_EQ(static_cast<bool>(t), c.fault == TrailerFault::none);
  }
}

TEST(WireEsp, Duty10_EveryPadLengthAndResidue) {
  for (std::size_t payload = 0; payload < 24; ++payload)
    for (std::size_t pad = 0; pad < 256; ++pad) {
      const EspTrailer t = check_trailer(plaintext(payload, pad, 41));
      ASSERT_EQ(t.fault, TrailerFault::none) << payload << ' ' << pad;
      ASSERT_EQ(t.payload_length, payload);
      ASSERT_EQ(t.next_header, 41);
    }
}

TEST(WireEsp, Duty09_EveryOctetOfThePaddingCounts) {
  for (const std::size_t payload : {0, 1, 40})
    for (std::size_t pad = 1; pad < 256; ++pad) {
      Octets octets = plaintext(payload, pad, 41);
      for (std::size_t i = payload; i < payload + pad; ++i) {
        octets[i] ^= 0x80;
        ASSERT_EQ(check_trailer(octets).fault, TrailerFault::bad_pad) << payload << ' ' << pad << ' ' << i;
        octets[i] ^= 0x80;
      }
    }
}

TEST(WireEsp, Duty09_PadLengthBeyondTheData) {
  for (std::size_t have = 0; have < 255; ++have)
    for (const std::size_t says : {have + 1, std::size_t{255}}) {
      Octets octets = plaintext(0, have, 41);
      octets[have] = static_cast<std::uint8_t>(says);
      ASSERT_EQ(check_trailer(octets).fault, TrailerFault::bad_length) << have << ' ' << says;
    }
}

// In one look: what check_trailer says, or nothing.
TEST(WireEsp, Duty09_ShortTrailersInOneLook) {
  for (std::size_t payload = 0; payload < 12; ++payload)
    for (std::size_t pad = 0; pad < 12; ++pad) {
      const Octets right = plaintext(payload, pad, 41);
      const bool is_short = pad < 8 && right.size() >= 9;
      EXPECT_EQ(payload_before_short_padding(right, 41), is_short ? payload : 0) << payload << ' ' << pad;
      EXPECT_EQ(payload_before_short_padding(right, 59), 0u);
      for (std::size_t bit = 0; bit < 8 * right.size(); ++bit) {
        Octets wrong = right;
        wrong[bit / 8] = static_cast<std::uint8_t>(wrong[bit / 8] ^ 1U << (bit % 8));
        const EspTrailer slow = check_trailer(wrong);
        const std::size_t fast = payload_before_short_padding(wrong, 41);
        const bool is_right = slow && slow.next_header == 41 && wrong.size() >= 9 && wrong[wrong.size() - 2] < 8;
        EXPECT_EQ(fast, is_right ? slow.payload_length : 0) << payload << ' ' << pad << ' ' << bit;
      }
    }
}

}  // namespace
}  // namespace strata::wire
