#include "dataplane/wire/esp_in_udp.hpp"

#include <gtest/gtest.h>

#include <set>

#include "tests/unit/guard_page.hpp"
#include "tests/unit/hex.hpp"

namespace strata::wire {
namespace {

// Each octet another one: what is compared with a neighbor's is told.
test::Octets head() {
  return test::from_hex(
      "45b8 0064 1234 4000 4011 9abc c0000202 c6336401"
      "1194 1195 0050 dead 00001001");
}

// RFC 3948 section 2.1. Lengths, ID and sums are each packet's own.
TEST(EspInUdpHead, WhatIsComparedOctetByOctet) {
  const std::set<std::size_t> of_each_packet = {2, 3, 4, 5, 10, 11, 24, 25, 26, 27};
  const test::Octets packet = head();
  ASSERT_EQ(packet.size(), EspInUdpHead::kLength);
  const EspInUdpHead kept(packet.data());
  EXPECT_TRUE(kept.says_the_same(packet.data()));
  for (std::size_t bit = 0; bit < 8 * packet.size(); ++bit) {
    test::Octets other = packet;
    other[bit / 8] = static_cast<std::uint8_t>(other[bit / 8] ^ 1U << (bit % 8));
    EXPECT_EQ(kept.says_the_same(other.data()), of_each_packet.contains(bit / 8)) << "bit " << bit;
  }
}

TEST(EspInUdpHead, NoOctetMoreThanItsLength) {
  const test::Octets packet = head();
  test::GuardedMemory memory(packet.size());
  const auto begin = memory.at_begin(packet);
  const EspInUdpHead kept(begin.data());
  EXPECT_TRUE(kept.says_the_same(begin.data()));
  const auto end = memory.at_end(packet);
  EXPECT_TRUE(kept.says_the_same(end.data()));
  EXPECT_TRUE(EspInUdpHead(end.data()).says_the_same(packet.data()));
}

}  // namespace
}  // namespace strata::wire
