// IPv4 and UDP.
#include "dataplane/wire/ipv4.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "dataplane/wire/udp.hpp"
#include "tests/unit/hex.hpp"

namespace strata::wire {
namespace {

using test::from_hex;
using test::join;
using test::Octets;

// 192.168.0.1 to 192.168.0.199, UDP, DF, TTL 64, total length 24: checksum computed by hand.
//   4500+0018+0000+4000+4011+c0a8+0001+c0a8+00c7 = 2'4741 -> 4743, complement b8bc
const char* const kPlain = "4500 0018 0000 4000 4011 b8bc c0a8 0001 c0a8 00c7 deadbeef";

Ipv4Fault fault_of(const Octets& octets) { return Ipv4View::check(octets).fault; }

TEST(WireIpv4, FieldsOfAPlainHeader) {
  const Octets octets = from_hex(kPlain);
  const auto checked = Ipv4View::check(octets);
  ASSERT_TRUE(checked);
  const Ipv4View& ip = checked.view;
  EXPECT_EQ(ip.header_length(), 20u);
  EXPECT_EQ(ip.total_length(), 24u);
  EXPECT_EQ(ip.tos(), 0);
  EXPECT_EQ(ip.id(), 0);
  EXPECT_TRUE(ip.dont_fragment());
  EXPECT_FALSE(ip.more_fragments());
  EXPECT_FALSE(ip.is_fragment());
  EXPECT_EQ(ip.ttl(), 64);
  EXPECT_EQ(ip.protocol(), kProtocolUdp);
  EXPECT_EQ(ip.checksum(), 0xb8bc);
  EXPECT_EQ(ip.source(), Ipv4Address{0xc0a80001});
  EXPECT_EQ(ip.destination(), Ipv4Address{0xc0a800c7});
  EXPECT_TRUE(std::ranges::equal(ip.payload(), from_hex("deadbeef")));
}

TEST(WireIpv4, Duty60_EachFaultAlone) {
  const struct {
    const char* what;
    const char* hex;
    Ipv4Fault fault;
  } cases[] = {
      {"19 octets", "4500 0018 0000 4000 4011 b8bc c0a8 0001 c0a8 00", Ipv4Fault::truncated},
      {"version 6", "6500 0018 0000 4000 4011 98bc c0a8 0001 c0a8 00c7 deadbeef", Ipv4Fault::bad_version},
      {"version 0", "0500 0018 0000 4000 4011 f8bc c0a8 0001 c0a8 00c7 deadbeef", Ipv4Fault::bad_version},
      {"IHL 4", "4400 0018 0000 4000 4011 b9bc c0a8 0001 c0a8 00c7 deadbeef", Ipv4Fault::bad_header_length},
      {"IHL 0", "4000 0018 0000 4000 4011 bdbc c0a8 0001 c0a8 00c7 deadbeef", Ipv4Fault::bad_header_length},
      {"IHL beyond the end", "4700 0018 0000 4000 4011 b6bc c0a8 0001 c0a8 00c7 deadbeef", Ipv4Fault::truncated},
      {"total length 19", "4500 0013 0000 4000 4011 b8c1 c0a8 0001 c0a8 00c7 deadbeef", Ipv4Fault::bad_length},
      {"total length 0", "4500 0000 0000 4000 4011 b8d4 c0a8 0001 c0a8 00c7 deadbeef", Ipv4Fault::bad_length},
      {"total length 25", "4500 0019 0000 4000 4011 b8bb c0a8 0001 c0a8 00c7 deadbeef", Ipv4Fault::truncated},
      {"checksum + 1", "4500 0018 0000 4000 4011 b8bd c0a8 0001 c0a8 00c7 deadbeef", Ipv4Fault::bad_checksum},
      {"checksum 0", "4500 0018 0000 4000 4011 0000 c0a8 0001 c0a8 00c7 deadbeef", Ipv4Fault::bad_checksum},
      {"header only", "4500 0014 0000 4000 4011 b8c0 c0a8 0001 c0a8 00c7", Ipv4Fault::none},
  };
  for (const auto& c : cases) EXPECT_EQ(fault_of(from_hex(c.hex)), c.fault) << c.what;
}

TEST(WireIpv4, Duty60_FaultsAreJudgedInOrder) {
  // All of it is wrong; each repair brings the next fault to light.
  Octets octets = from_hex("6200 0000 0000 4000 4011 0000 c0a8 0001 c0a8 00c7 deadbeef");
  EXPECT_EQ(fault_of(octets), Ipv4Fault::bad_version);
  octets[0] = 0x42;
  EXPECT_EQ(fault_of(octets), Ipv4Fault::bad_header_length);
  for (const std::uint8_t beyond : Octets{0x4f, 0x47}) {
    octets[0] = beyond;
    EXPECT_EQ(fault_of(octets), Ipv4Fault::truncated);
  }
  octets[0] = 0x45;
  EXPECT_EQ(fault_of(octets), Ipv4Fault::bad_length);
  octets[3] = 25;
  EXPECT_EQ(fault_of(octets), Ipv4Fault::truncated);
  octets[3] = 24;
  EXPECT_EQ(fault_of(octets), Ipv4Fault::bad_checksum);
  store_be16(&octets[10], 0xb8bc);
  EXPECT_EQ(fault_of(octets), Ipv4Fault::none);
}

TEST(WireIpv4, Duty60_TrailingOctetsAreNotPayload) {
  const Octets octets = join(from_hex(kPlain), Octets(22, 0xee));  // as Ethernet pads to 60 octets
  const auto checked = Ipv4View::check(octets);
  ASSERT_TRUE(checked);
  EXPECT_TRUE(std::ranges::equal(checked.view.payload(), from_hex("deadbeef")));
}

TEST(WireIpv4, Duty23_OptionsMoveThePayload) {
  // IHL 6: a Router Alert option; 4600+001c+0000+4000+4011+c0a8+0001+c0a8+00c7+9404 = 2'dc49 -> dc4b, complement 23b4
  Octets octets = from_hex("4600 001c 0000 4000 4011 23b4 c0a8 0001 c0a8 00c7 9404 0000 deadbeef");
  const auto checked = Ipv4View::check(octets);
  ASSERT_TRUE(checked);
  EXPECT_EQ(checked.view.header_length(), 24u);
  EXPECT_TRUE(std::ranges::equal(checked.view.payload(), from_hex("deadbeef")));
  octets[20] ^= 1;  // the checksum covers the options
  EXPECT_EQ(fault_of(octets), Ipv4Fault::bad_checksum);
}

TEST(WireIpv4, Duty03_FragmentFields) {
  const struct {
    std::uint16_t word;
    bool dont, more, fragment;
    std::size_t offset;
  } cases[] = {
      {0x0000, false, false, false, 0}, {0x4000, true, false, false, 0},     {0x2000, false, true, true, 0},
      {0x0001, false, false, true, 8},  {0x1fff, false, false, true, 65528}, {0x3001, false, true, true, 32776},
      {0x8000, false, false, false, 0},
  };
  for (const auto& c : cases) {
    Octets octets = from_hex(kPlain);
    store_be16(&octets[6], c.word);
    store_be16(&octets[10], 0);
    store_be16(&octets[10], checksum(Bytes(octets).first(20)));
    const auto checked = Ipv4View::check(octets);
    ASSERT_TRUE(checked);
    EXPECT_EQ(checked.view.dont_fragment(), c.dont) << c.word;
    EXPECT_EQ(checked.view.more_fragments(), c.more) << c.word;
    EXPECT_EQ(checked.view.is_fragment(), c.fragment) << c.word;
    EXPECT_EQ(checked.view.fragment_offset(), c.offset) << c.word;
  }
}

TEST(WireIpv4, Duty72_TosIsDscpAndEcn) {
  // 45b9: b8b8 less b9 -> b803
  const Octets octets = from_hex("45b9 0018 0000 4000 4011 b803 c0a8 0001 c0a8 00c7 deadbeef");
  const auto checked = Ipv4View::check(octets);
  ASSERT_TRUE(checked);
  EXPECT_EQ(checked.view.tos(), 0xb9);
  EXPECT_EQ(checked.view.dscp(), 46);
  EXPECT_EQ(checked.view.ecn(), 1);
}

TEST(WireUdp, Fields) {
  const Octets octets = from_hex("1194 1195 000a abcd 0102");
  const auto checked = UdpView::check(octets);
  ASSERT_TRUE(checked);
  EXPECT_EQ(checked.view.source_port(), 4500);
  EXPECT_EQ(checked.view.destination_port(), 4501);
  EXPECT_EQ(checked.view.length(), 10u);
  EXPECT_EQ(checked.view.checksum(), 0xabcd);
  EXPECT_TRUE(std::ranges::equal(checked.view.payload(), from_hex("0102")));
}

TEST(WireUdp, Duty20_LengthAgainstWhatIsThere) {
  const auto fault = [](const char* hex) { return UdpView::check(from_hex(hex)).fault; };
  EXPECT_EQ(fault(""), UdpFault::truncated);
  EXPECT_EQ(fault("1194 1194 0008 00"), UdpFault::truncated);
  EXPECT_EQ(fault("1194 1194 0008 0000"), UdpFault::none);
  EXPECT_EQ(fault("1194 1194 0007 0000"), UdpFault::bad_length);
  EXPECT_EQ(fault("1194 1194 0000 0000"), UdpFault::bad_length);
  EXPECT_EQ(fault("1194 1194 0009 0000"), UdpFault::bad_length);
  EXPECT_EQ(fault("1194 1194 ffff 0000 0102"), UdpFault::bad_length);
  const Octets longer = from_hex("1194 1194 0009 0000 ff eeee");
  const auto checked = UdpView::check(longer);
  ASSERT_TRUE(checked);
  EXPECT_TRUE(std::ranges::equal(checked.view.payload(), from_hex("ff")));
}

TEST(WireUdp, Duty16_ChecksumIsNotJudged) {
  for (const char* hex : {"1194 1194 0009 0000 ff", "1194 1194 0009 ffff ff", "1194 1194 0009 1234 ff"})
    EXPECT_TRUE(UdpView::check(from_hex(hex))) << hex;
}

}  // namespace
}  // namespace strata::wire
