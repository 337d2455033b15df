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
      "0200c0a00101 0200e0f00b0c 0800"
      "45b8 0064 1234 4000 4011 9abc c0000202 c6336401"
      "1194 1195 0050 dead 00001001 00000304");
}

// RFC 3948 section 2.1. Lengths, ID, sums and sequence number are each packet's own, and the SPI is looked up.
TEST(EspInUdpHead, WhatIsComparedOctetByOctet) {
  const std::set<std::size_t> of_each_packet = {16, 17, 18, 19, 24, 25, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49};
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

// RFC 1071: the sum of what all have alike was added up once. Held against the whole header's.
TEST(EspInUdpHead, EachSumOfManyLengthsAndIds) {
  test::Octets frame = test::join(head(), test::Octets(600));
  const EspInUdpHead kept(frame.data());
  for (const std::size_t length : {36U, 37U, 100U, 300U, 600U}) {
    store_be16(&frame[16], static_cast<std::uint16_t>(length));
    store_be16(&frame[38], static_cast<std::uint16_t>(length - 20));
    for (const unsigned id : {0U, 1U, 0x7fffU, 0x8000U, 0xfffeU, 0xffffU}) {
      store_be16(&frame[18], static_cast<std::uint16_t>(id));
      for (unsigned sum = 0; sum <= 0xffff; ++sum) {
        store_be16(&frame[24], static_cast<std::uint16_t>(sum));
        const bool is_right = ipv4_header_sum_is_right(&frame[14], 20);
        ASSERT_EQ(kept.esp_in(frame, HeaderSum::unknown), is_right ? length - 28 : 0)
            << length << ' ' << id << ' ' << sum;
        ASSERT_EQ(kept.esp_in(frame, HeaderSum::right), length - 28);
      }
    }
  }
}

}  // namespace
}  // namespace strata::wire
