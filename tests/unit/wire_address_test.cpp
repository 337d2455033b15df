#include "dataplane/wire/address.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>

#include "dataplane/wire/bytes.hpp"
#include "tests/unit/hex.hpp"

namespace strata::wire {
namespace {

using namespace std::string_view_literals;
using test::from_hex;

TEST(WireAddress, MacIsSixPairsAndColons) {
  const MacAddress mac{{0x02, 0x00, 0x0a, 0xBC, 0x01, 0xff}};
  EXPECT_EQ(parse_mac("02:00:0a:bc:01:ff"), mac);
  EXPECT_EQ(parse_mac("02:00:0A:BC:01:FF"), mac);
  EXPECT_EQ(to_string(mac), "02:00:0a:bc:01:ff");
  EXPECT_EQ(to_string(kBroadcastMac), "ff:ff:ff:ff:ff:ff");
  for (const std::string_view wrong :
       {""sv, "02:00:0a:bc:01"sv, "02:00:0a:bc:01:ff:00"sv, "2:0:a:bc:1:ff"sv, "02-00-0a-bc-01-ff"sv,
        "02:00:0a:bc:01:fg"sv, " 02:00:0a:bc:01:f"sv, "02:00:0a:bc:01:ff "sv, "02:00:0a:bc:01:-1"sv, "02000abc01ff"sv})
    EXPECT_FALSE(parse_mac(wrong)) << wrong;
}

TEST(WireAddress, Ipv4IsFourDecimals) {
  EXPECT_EQ(parse_ipv4("192.0.2.1"), Ipv4Address{0xc0000201});
  EXPECT_EQ(parse_ipv4("0.0.0.0"), Ipv4Address{0});
  EXPECT_EQ(to_string(Ipv4Address{0xffffffff}), "255.255.255.255");
  EXPECT_EQ(to_string(Ipv4Address{0x0a010002}), "10.1.0.2");
  for (const std::string_view wrong :
       {""sv, "192.0.2"sv, "192.0.2.256"sv, "192.0.2.1.1"sv, "192.0.2.01"sv, " 192.0.2.1"sv, "192.0.2.1 "sv,
        "0xc0000201"sv, "192.0.2.1/24"sv, "192.0.2.1\0x"sv})
    EXPECT_FALSE(parse_ipv4(wrong)) << wrong;
}

TEST(WireAddress, Ipv6IsReadInAnyFormAndPrintedInOne) {
  const test::Octets expected = from_hex("fc00 0001 0000 0000 0000 0000 0000 00d4");
  const auto address = parse_ipv6("fc00:1::d4");
  ASSERT_TRUE(address);
  EXPECT_TRUE(std::equal(expected.begin(), expected.end(), address->octets.begin()));
  EXPECT_EQ(parse_ipv6("FC00:0001:0:0:0:0:0:00D4"), address);
  EXPECT_EQ(to_string(*address), "fc00:1::d4");
  // RFC 5952 section 4: the longest run of zeros, the first of two equal ones, never a single group.
  EXPECT_EQ(to_string(*parse_ipv6("2001:db8:0:0:1:0:0:1")), "2001:db8::1:0:0:1");
  EXPECT_EQ(to_string(*parse_ipv6("2001:db8:0:1:1:1:1:1")), "2001:db8:0:1:1:1:1:1");
  EXPECT_EQ(to_string(Ipv6Address{}), "::");
  for (const std::string_view wrong : {""sv, "fc00:1"sv, ":::"sv, "fc00::1::2"sv, "fc00:1::d4/128"sv, "fe80::1%eth0"sv,
                                       "12345::"sv, "::g"sv, "::1 "sv, "::1\0"sv, "1:2:3:4:5:6:7:8:9"sv})
    EXPECT_FALSE(parse_ipv6(wrong)) << wrong;
}

TEST(WireAddress, PrefixNeedsItsLength) {
  EXPECT_EQ(parse_ipv4_prefix("192.0.2.1/24"), (Ipv4Prefix{{0xc0000201}, 24}));
  EXPECT_EQ(parse_ipv4_prefix("0.0.0.0/0"), (Ipv4Prefix{{0}, 0}));
  EXPECT_EQ(to_string(Ipv4Prefix{{0xc0000201}, 24}), "192.0.2.1/24");
  EXPECT_EQ(to_string(*parse_ipv6_prefix("FC00:1::/48")), "fc00:1::/48");
  EXPECT_EQ(parse_ipv6_prefix("::/128")->length, 128);
  for (const std::string_view wrong :
       {"192.0.2.1"sv, "192.0.2.1/"sv, "192.0.2.1/33"sv, "192.0.2.1/-1"sv, "192.0.2.1/+8"sv, "192.0.2.1/08"sv,
        "192.0.2.1/ 8"sv, "192.0.2.1/8 "sv, "192.0.2.1/8/8"sv, "/8"sv, "192.0.2.1/4294967304"sv,
        "192.0.2.1/255.255.255.0"sv})
    EXPECT_FALSE(parse_ipv4_prefix(wrong)) << wrong;
  for (const std::string_view wrong : {"fc00::"sv, "fc00::/129"sv, "fc00::/"sv, "192.0.2.0/24"sv})
    EXPECT_FALSE(parse_ipv6_prefix(wrong)) << wrong;
}

TEST(WireAddress, Ipv4MasksAtBothEnds) {
  EXPECT_EQ(mask_of(Ipv4Prefix{{}, 0}), 0u);
  EXPECT_EQ(mask_of(Ipv4Prefix{{}, 1}), 0x80000000u);
  EXPECT_EQ(mask_of(Ipv4Prefix{{}, 24}), 0xffffff00u);
  EXPECT_EQ(mask_of(Ipv4Prefix{{}, 31}), 0xfffffffeu);
  EXPECT_EQ(mask_of(Ipv4Prefix{{}, 32}), 0xffffffffu);
  EXPECT_EQ(network_of(*parse_ipv4_prefix("192.0.2.200/25")), *parse_ipv4_prefix("192.0.2.128/25"));
  EXPECT_TRUE(contains(*parse_ipv4_prefix("192.0.2.77/25"), *parse_ipv4("192.0.2.127")));
  EXPECT_FALSE(contains(*parse_ipv4_prefix("192.0.2.77/25"), *parse_ipv4("192.0.2.128")));
  EXPECT_TRUE(contains(Ipv4Prefix{{}, 0}, Ipv4Address{0xffffffff}));
}

TEST(WireAddress, Ipv6MasksAtEveryLength) {
  for (unsigned length = 0; length <= 128; ++length) {
    const Ipv6Address mask = mask_of(Ipv6Prefix{{}, static_cast<std::uint8_t>(length)});
    for (unsigned bit = 0; bit < 128; ++bit)
      ASSERT_EQ((mask.octets[bit / 8] >> (7 - bit % 8)) & 1, bit < length ? 1 : 0) << length << ' ' << bit;
  }
  EXPECT_EQ(network_of(*parse_ipv6_prefix("fc00:1:ffff::1/33")), *parse_ipv6_prefix("fc00:1:8000::/33"));
  EXPECT_TRUE(contains(*parse_ipv6_prefix("fc00:1::/33"), *parse_ipv6("fc00:1:7fff::1")));
  EXPECT_FALSE(contains(*parse_ipv6_prefix("fc00:1::/33"), *parse_ipv6("fc00:1:8000::")));
}

TEST(WireAddress, PrefixesOverlapWhenOneHoldsTheOther) {
  const auto v4 = [](std::string_view a, std::string_view b) {
    EXPECT_EQ(overlap(*parse_ipv4_prefix(a), *parse_ipv4_prefix(b)),
              overlap(*parse_ipv4_prefix(b), *parse_ipv4_prefix(a)));
    return overlap(*parse_ipv4_prefix(a), *parse_ipv4_prefix(b));
  };
  EXPECT_TRUE(v4("10.0.0.0/8", "10.2.0.0/16"));
  EXPECT_TRUE(v4("0.0.0.0/0", "10.2.0.0/16"));
  EXPECT_TRUE(v4("10.2.0.0/16", "10.2.0.0/16"));
  EXPECT_FALSE(v4("10.1.0.0/16", "10.2.0.0/16"));
  EXPECT_TRUE(overlap(*parse_ipv6_prefix("fc00:2::/48"), *parse_ipv6_prefix("fc00::/16")));
  EXPECT_FALSE(overlap(*parse_ipv6_prefix("fc00:2::/48"), *parse_ipv6_prefix("fc00:1::/48")));
}

TEST(WireBytes, NetworkOrderAtAnyAlignment) {
  const auto octets = from_hex("ff 0102030405060708 ff");
  EXPECT_EQ(load_be16(&octets[1]), 0x0102);
  EXPECT_EQ(load_be32(&octets[1]), 0x01020304u);
  EXPECT_EQ(load_be64(&octets[1]), 0x0102030405060708u);
  test::Octets written(10, 0xff);
  store_be64(&written[1], 0x0102030405060708);
  EXPECT_EQ(written, octets);
  store_be32(&written[1], 0xa1a2a3a4);
  store_be16(&written[5], 0xb1b2);
  EXPECT_EQ(written, from_hex("ff a1a2a3a4 b1b2 0708 ff"));
}

}  // namespace
}  // namespace strata::wire
