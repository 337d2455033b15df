#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "dataplane/wire/icmp.hpp"
#include "tests/unit/guard_page.hpp"
#include "tests/unit/hex.hpp"

namespace strata::wire {
namespace {

using test::from_hex;
using test::Octets;

// Made by scapy: echo requests with 0 to 3 octets of data, an error about an MTU of 1396, and one about a TTL.
constexpr const char* kMessages[] = {
    "0800e5ca12340001",
    "080072ca1234000173",
    "08007256123400017374",
    "0800005612340001737472",
    "03040ba8000005744500001c00010000401166ca0a0100020a020002003500350008eb6d",
    "0b000920000000004500001c00010000401166ca0a0100020a020002003500350008eb6d",
};

TEST(WireIcmp, ReadsWhatScapyWrote) {
  const std::array<std::array<unsigned, 3>, 6> expected{
      {{8, 0, 0xe5ca}, {8, 0, 0x72ca}, {8, 0, 0x7256}, {8, 0, 0x0056}, {3, 4, 0x0ba8}, {11, 0, 0x0920}}};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const Octets octets = from_hex(kMessages[i]);
    const auto checked = IcmpView::check(octets);
    ASSERT_TRUE(checked) << kMessages[i];
    EXPECT_EQ(checked.view.type(), expected[i][0]);
    EXPECT_EQ(checked.view.code(), expected[i][1]);
    EXPECT_EQ(checked.view.checksum(), expected[i][2]);
  }
}

TEST(WireIcmp, AnyBitWrongIsSeen) {
  for (const char* message : kMessages) {
    const Octets octets = from_hex(message);
    for (std::size_t bit = 0; bit < octets.size() * 8; ++bit) {
      Octets damaged = octets;
      damaged[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
      EXPECT_EQ(IcmpView::check(damaged).fault, IcmpFault::bad_checksum) << message << " " << bit;
    }
  }
}

// Shorter than a header it has no checksum to be wrong; cut behind that, the sum tells.
TEST(WireIcmp, AtEveryLength) {
  for (const char* message : kMessages) {
    const Octets octets = from_hex(message);
    test::at_every_length(octets, [&](Bytes part) {
      const IcmpFault fault = IcmpView::check(part).fault;
      if (part.size() < kIcmpHeaderLength) {
        EXPECT_EQ(fault, IcmpFault::truncated) << part.size();
        return;
      }
      // Zeros at the end add nothing to a sum.
      const bool only_zeros = std::all_of(octets.begin() + static_cast<std::ptrdiff_t>(part.size()), octets.end(),
                                          [](int o) { return o == 0; });
      EXPECT_EQ(fault, only_zeros ? IcmpFault::none : IcmpFault::bad_checksum) << message << " " << part.size();
    });
  }
}

// RFC 1122 section 3.2.2: error messages are unreachable, redirect, source quench, time exceeded, parameter problem.
TEST(WireIcmp, ErrorsAreKnown) {
  const std::set<unsigned> errors{3, 4, 5, 11, 12};
  for (unsigned type = 0; type < 256; ++type)
    EXPECT_EQ(is_icmp_error(static_cast<std::uint8_t>(type)), errors.contains(type)) << type;
}

}  // namespace
}  // namespace strata::wire
