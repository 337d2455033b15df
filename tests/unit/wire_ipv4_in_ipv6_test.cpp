#include "dataplane/wire/ipv4_in_ipv6.hpp"

#include <gtest/gtest.h>

#include "tests/unit/ipv4_sum.hpp"

namespace strata::wire {
namespace {

using test::Octets;

constexpr std::size_t kIp4 = 40;

// By scapy 2.5.0: IPv6(tc=0x0a, fl=0xbeef, src="fc00:2::1", dst="fc00:1::d4", hlim=7, nh=4) / IP(tos=0x0a, id=0x1234,
// flags="DF", ttl=64, proto=17, src="10.2.0.5", dst="10.1.0.5") / ("00" * 4).
const Octets kPacket = test::from_hex(
    "60a0beef 0018 04 07 fc000002000000000000000000000001 fc0000010000000000000000000000d4"
    "450a 0018 1234 4000 4011 148b 0a020005 0a010005 00000000");

// What the views of each of the two headers find, one after the other.
bool is_usual(const Octets& packet, Ecn ecn) {
  const auto [ip6, ip6_fault] = Ipv6View::check(packet);
  if (ip6_fault != Ipv6Fault::none || ip6.next_header() != kProtocolIpv4 || static_cast<Ecn>(ip6.ecn()) != ecn)
    return false;
  const auto [ip4, ip4_fault] = Ipv4View::check(Bytes(packet).subspan(kIp4, ip6.payload_length()));
  return ip4_fault == Ipv4Fault::none && ip4.header_length() == kIpv4MinHeaderLength &&
         (ecn == Ecn::not_ect || static_cast<Ecn>(ip4.ecn()) == ecn);
}

// All of it.
bool is_right(Bytes packet, Ecn ecn) {
  const auto ip = Ipv4InIpv6View::check(packet, ecn);
  return ip && ip->ipv4_sum_is_right();
}

Octets with_sum(const Octets& packet) { return test::with_ipv4_sum(packet, kIp4); }

TEST(Ipv4InIpv6, WhatItSays) {
  const auto ip = Ipv4InIpv6View::check(kPacket, Ecn::ect0);
  ASSERT_TRUE(ip);
  EXPECT_EQ(ip->ipv6_total_length(), 64u);
  EXPECT_EQ(ip->ipv4_total_length(), 24u);
  EXPECT_EQ(ip->ttl(), 64);
  EXPECT_EQ(ip->ipv4_addresses(), 0x0a0200050a010005u);
}

// RFC 6040 section 4.2: one in all three headers, or none outside.
TEST(Ipv4InIpv6, EcnThatStaysAsItIs) {
  for (unsigned bits = 0; bits < 64; ++bits) {
    Octets packet = kPacket;
    packet[1] = static_cast<std::uint8_t>((packet[1] & ~0x30) | (bits & 3) << 4);
    packet[kIp4 + 1] = static_cast<std::uint8_t>((packet[kIp4 + 1] & ~3) | (bits >> 2 & 3));
    const auto outside = static_cast<Ecn>(bits >> 4);
    const bool outside_alike = (bits & 3) == bits >> 4;
    const bool stays = outside_alike && (bits >> 4 == 0 || (bits >> 2 & 3) == bits >> 4);
    EXPECT_EQ(is_right(with_sum(packet), outside), stays) << bits;
  }
}

// Usual is what both views find right, with no options and no extension headers.
TEST(Ipv4InIpv6, EachBit) {
  std::size_t usual = 0;
  for (std::size_t bit = 0; bit < 8 * kPacket.size(); ++bit) {
    Octets packet = kPacket;
    packet[bit / 8] = static_cast<std::uint8_t>(packet[bit / 8] ^ 1U << (bit % 8));
    for (const Octets& each : {packet, with_sum(packet)}) {
      EXPECT_EQ(is_right(each, Ecn::ect0), is_usual(each, Ecn::ect0)) << "bit " << bit;
      usual += is_right(each, Ecn::ect0);
    }
  }
  EXPECT_GT(usual, 2 * 256u);  // addresses, to begin with
}

TEST(Ipv4InIpv6, EachPairOfLengths) {
  for (std::size_t size = 0; size <= kPacket.size() + 4; ++size) {
    for (std::uint16_t payload = 0; payload < 40; ++payload) {
      for (std::uint16_t total = 0; total < 40; ++total) {
        Octets packet = kPacket;
        store_be16(&packet[4], payload);
        store_be16(&packet[kIp4 + 2], total);
        packet = with_sum(packet);
        packet.resize(size);
        EXPECT_EQ(is_right(packet, Ecn::ect0), is_usual(packet, Ecn::ect0)) << size << " " << payload << " " << total;
      }
    }
  }
  for (const unsigned huge_value : {0x8000U, 0xffd7U, 0xffd8U, 0xffffU}) {
    const auto huge = static_cast<std::uint16_t>(huge_value);
    Octets packet = kPacket;
    store_be16(&packet[4], huge);
    EXPECT_FALSE(is_right(packet, Ecn::ect0));
    store_be16(&packet[kIp4 + 2], huge);
    EXPECT_FALSE(is_right(with_sum(packet), Ecn::ect0));
  }
}

}  // namespace
}  // namespace strata::wire
