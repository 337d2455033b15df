// Ethernet and ARP.
#include <gtest/gtest.h>

#include "dataplane/wire/arp.hpp"
#include "dataplane/wire/ethernet.hpp"
#include "tests/unit/hex.hpp"

namespace strata::wire {
namespace {

using test::from_hex;
using test::join;
using test::Octets;

const MacAddress kTo{{0x02, 0, 0, 0, 0x01, 0x01}};
const MacAddress kFrom{{0x02, 0, 0, 0, 0x02, 0x02}};
const char* const kMacs = "020000000101 020000000202";

Octets frame(const char* after_macs) { return join(from_hex(kMacs), from_hex(after_macs)); }

TEST(WireEthernet, Untagged) {
  const Octets octets = frame("0800 45");
  const auto checked = EthernetView::check(octets);
  ASSERT_TRUE(checked);
  EXPECT_EQ(checked.view.destination(), kTo);
  EXPECT_EQ(checked.view.source(), kFrom);
  EXPECT_EQ(checked.view.ethertype(), kEtherIpv4);
  EXPECT_EQ(checked.view.header_length(), 14u);
  EXPECT_EQ(checked.view.vlan_count(), 0);
  EXPECT_EQ(checked.view.vlan_id(0), 0);
}

TEST(WireEthernet, OneTag) {
  const Octets octets = frame("8100 e123 86dd 60");
  const auto checked = EthernetView::check(octets);
  ASSERT_TRUE(checked);
  EXPECT_EQ(checked.view.destination(), kTo);
  EXPECT_EQ(checked.view.ethertype(), kEtherIpv6);
  EXPECT_EQ(checked.view.header_length(), 18u);
  EXPECT_EQ(checked.view.vlan_count(), 1);
  EXPECT_EQ(checked.view.vlan_id(0), 0x123);
  EXPECT_EQ(checked.view.vlan_id(1), 0);
  EXPECT_EQ(checked.view.vlan_id(-1), 0);
}

TEST(WireEthernet, TwoTagsOfEitherKind) {
  for (const char* tags : {"88a8 0064 8100 0fff 0806", "8100 0064 8100 0fff 0806", "88a8 0064 88a8 0fff 0806"}) {
    const Octets octets = frame(tags);
    const auto checked = EthernetView::check(octets);
    ASSERT_TRUE(checked) << tags;
    EXPECT_EQ(checked.view.ethertype(), kEtherArp);
    EXPECT_EQ(checked.view.header_length(), 22u);
    EXPECT_EQ(checked.view.vlan_count(), 2);
    EXPECT_EQ(checked.view.vlan_id(0), 100);
    EXPECT_EQ(checked.view.vlan_id(1), 4095);
  }
}

TEST(WireEthernet, ThirdTagAndTruncation) {
  EXPECT_EQ(EthernetView::check(frame("88a8 0064 8100 0001 8100 0002 0800")).fault, EthernetFault::vlan_depth);
  EXPECT_EQ(EthernetView::check(frame("88a8 0064 8100 0001 88a8")).fault, EthernetFault::vlan_depth);
  EXPECT_EQ(EthernetView::check(frame("08")).fault, EthernetFault::truncated);
  EXPECT_EQ(EthernetView::check(frame("8100 0001 08")).fault, EthernetFault::truncated);
  EXPECT_EQ(EthernetView::check(frame("8100 0001 8100 0001 08")).fault, EthernetFault::truncated);
  EXPECT_EQ(EthernetView::check({}).fault, EthernetFault::truncated);
}

TEST(WireEthernet, WritesAnUntaggedHeader) {
  Octets octets(16, 0xa5);
  write_ethernet(&octets[1], kTo, kFrom, kEtherIpv4);
  EXPECT_EQ(octets, from_hex("a5 020000000101 020000000202 0800 a5"));
}

TEST(WireArp, Request) {
  const Octets octets = from_hex("0001 0800 06 04 0001 020000000202 c0000202 000000000000 c0000201 0000");
  const auto checked = ArpView::check(octets);
  ASSERT_TRUE(checked);
  EXPECT_EQ(checked.view.operation(), kArpRequest);
  EXPECT_EQ(checked.view.sender_mac(), kFrom);
  EXPECT_EQ(checked.view.sender_ip(), Ipv4Address{0xc0000202});
  EXPECT_EQ(checked.view.target_mac(), MacAddress{});
  EXPECT_EQ(checked.view.target_ip(), Ipv4Address{0xc0000201});
}

// Both made by scapy.
TEST(WireArp, WritesWhatScapyWrites) {
  Octets octets(kArpLength + 2, 0xa5);
  write_arp(&octets[1], kArpRequest, kTo, {0xc0000201}, {}, {0xc0000202});
  EXPECT_EQ(octets, from_hex("a5 0001080006040001020000000101c0000201000000000000c0000202 a5"));
  write_arp(&octets[1], kArpReply, kTo, {0xc0000201}, kFrom, {0xc0000202});
  EXPECT_EQ(octets, from_hex("a5 0001080006040002020000000101c0000201020000000202c0000202 a5"));
}

TEST(WireArp, OtherFamiliesAndLengths) {
  const Octets good = from_hex("0001 0800 06 04 0002 020000000202 c0000202 020000000101 c0000201");
  ASSERT_TRUE(ArpView::check(good));
  for (std::size_t i = 0; i < 6; ++i) {
    Octets octets = good;
    octets[i] ^= 0x10;
    EXPECT_EQ(ArpView::check(octets).fault, ArpFault::unsupported) << i;
  }
  EXPECT_EQ(ArpView::check(Bytes(good).first(27)).fault, ArpFault::truncated);
}

}  // namespace
}  // namespace strata::wire
