// IPv6, the walk over its extension headers, and the SRH.
#include "dataplane/wire/ipv6.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "dataplane/wire/srh.hpp"
#include "tests/unit/hex.hpp"

namespace strata::wire {
namespace {

using test::from_hex;
using test::join;
using test::Octets;

// One extension header, its Next Header still to be filled in by chain().
struct Part {
  std::uint8_t protocol;
  Octets octets;
};

// `after` is what follows Next Header and Hdr Ext Len; its length must fit.
Part part(std::uint8_t protocol, unsigned ext_len, const char* after) {
  return {protocol, join(Octets{0, static_cast<std::uint8_t>(ext_len)}, from_hex(after))};
}
Part hop_by_hop() { return part(0, 0, "0104 00000000"); }
Part options() { return part(60, 0, "0104 00000000"); }
Part fragment(const char* offset_and_flags) { return part(44, 0, offset_and_flags); }

// A routing header with room octets of zeros after its first four.
Part routing(unsigned type, unsigned left, unsigned last_entry, unsigned ext_len) {
  Part p{43, Octets(8 + 8 * std::size_t{ext_len})};
  p.octets[1] = static_cast<std::uint8_t>(ext_len);
  p.octets[2] = static_cast<std::uint8_t>(type);
  p.octets[3] = static_cast<std::uint8_t>(left);
  p.octets[4] = static_cast<std::uint8_t>(last_entry);
  return p;
}
Part srh(unsigned left, unsigned last_entry, unsigned ext_len) { return routing(4, left, last_entry, ext_len); }

// fc00:2::1 to fc00:1::d4, the parts, then 4 octets of the upper layer.
Octets chain(const std::vector<Part>& parts, std::uint8_t upper = kProtocolIpv4) {
  Octets packet = from_hex("60000000 0000 00 40 fc000002000000000000000000000001 fc0000010000000000000000000000d4");
  std::size_t named_at = 6;
  for (const Part& p : parts) {
    packet[named_at] = p.protocol;
    named_at = packet.size();
    packet = join(packet, p.octets);
  }
  packet[named_at] = upper;
  packet = join(packet, from_hex("45000014"));
  store_be16(&packet[4], static_cast<std::uint16_t>(packet.size() - 40));
  return packet;
}

Ipv6Chain walk(const std::vector<Part>& parts, std::uint8_t upper = kProtocolIpv4) {
  const Octets packet = chain(parts, upper);
  EXPECT_TRUE(Ipv6View::check(packet));
  return walk_extension_headers(packet);
}

void expect_fault(const std::vector<Part>& parts, ChainFault fault, std::size_t pointer) {
  const Ipv6Chain c = walk(parts);
  EXPECT_EQ(c.fault, fault);
  EXPECT_EQ(c.fault_offset, pointer);
}

void expect_upper(const std::vector<Part>& parts, std::size_t offset) {
  const Ipv6Chain c = walk(parts);
  EXPECT_EQ(c.fault, ChainFault::none);
  EXPECT_EQ(c.upper_layer, kProtocolIpv4);
  EXPECT_EQ(c.upper_offset, offset);
}

TEST(WireIpv6, Fields) {
  const Octets octets =
      from_hex("6e9abcde 0003 3b ff fc000002000000000000000000000001 fc0000010000000000000000000000d4 010203 eeee");
  const auto checked = Ipv6View::check(octets);
  ASSERT_TRUE(checked);
  const Ipv6View& ip = checked.view;
  EXPECT_EQ(ip.traffic_class(), 0xe9);
  EXPECT_EQ(ip.dscp(), 58);
  EXPECT_EQ(ip.ecn(), 1);
  EXPECT_EQ(ip.flow_label(), 0xabcdeu);
  EXPECT_EQ(ip.payload_length(), 3u);
  EXPECT_EQ(ip.total_length(), 43u);
  EXPECT_EQ(ip.next_header(), 59);
  EXPECT_EQ(ip.hop_limit(), 255);
  EXPECT_EQ(ip.source(), *parse_ipv6("fc00:2::1"));
  EXPECT_EQ(ip.destination(), *parse_ipv6("fc00:1::d4"));
  EXPECT_EQ(ip.source_bytes(), octets.data() + 8);
  EXPECT_EQ(ip.destination_bytes(), octets.data() + 24);
}

TEST(WireIpv6, Duty12_LengthAgainstWhatIsThere) {
  Octets octets = chain({});
  EXPECT_TRUE(Ipv6View::check(octets));
  EXPECT_TRUE(Ipv6View::check(join(octets, Octets(100, 0xee))));  // TFC padding
  EXPECT_EQ(Ipv6View::check(Bytes(octets).first(43)).fault, Ipv6Fault::bad_length);
  EXPECT_EQ(Ipv6View::check(Bytes(octets).first(40)).fault, Ipv6Fault::bad_length);
  EXPECT_EQ(Ipv6View::check(Bytes(octets).first(39)).fault, Ipv6Fault::truncated);
  store_be16(&octets[4], 0xffff);
  EXPECT_EQ(Ipv6View::check(octets).fault, Ipv6Fault::bad_length);
  octets[0] = 0x40;
  EXPECT_EQ(Ipv6View::check(octets).fault, Ipv6Fault::bad_version);
}

TEST(WireIpv6, Duty72_SetEcnTouchesTwoBits) {
  for (unsigned before = 0; before < 256; ++before)
    for (unsigned ecn = 0; ecn < 4; ++ecn) {
      Octets octets = chain({});
      octets[0] = 0x6b;
      octets[1] = static_cast<std::uint8_t>(before);
      Octets expected = octets;
      expected[1] = static_cast<std::uint8_t>((before & 0xcf) | ecn << 4);
      ipv6_set_ecn(octets.data(), static_cast<std::uint8_t>(ecn));
      ASSERT_EQ(octets, expected);
      ASSERT_EQ(Ipv6View::check(octets).view.ecn(), ecn);
    }
}

TEST(WireIpv6Chain, Duty49_NoExtensionHeader) {
  for (const unsigned upper : {4, 6, 17, 41, 50, 51, 58, 59, 135, 253, 255}) {
    const Ipv6Chain c = walk({}, static_cast<std::uint8_t>(upper));
    EXPECT_EQ(c.fault, ChainFault::none);
    EXPECT_EQ(c.upper_layer, upper);
    EXPECT_EQ(c.upper_offset, 40);
    EXPECT_EQ(c.srh_offset, 0);
    EXPECT_EQ(c.segments_left, 0);
  }
}

TEST(WireIpv6Chain, Duty39_AnyOrderAfterHopByHop) {
  expect_upper({hop_by_hop(), options(), srh(0, 0, 2), options()}, 40 + 8 + 8 + 24 + 8);
  expect_upper({srh(0, 0, 2), options()}, 40 + 24 + 8);
  expect_upper({options(), options(), srh(0, 0, 2)}, 40 + 8 + 8 + 24);
  expect_upper({part(60, 1, "010c 000000000000000000000000")}, 40 + 16);
  const Ipv6Chain c = walk({hop_by_hop(), options(), srh(0, 1, 4)}, 59);
  EXPECT_EQ(c.upper_layer, kProtocolNone);
  EXPECT_EQ(c.srh_offset, 56);
}

TEST(WireIpv6Chain, Duty39_HopByHopIsFirstOrAFault) {
  // The pointer is to the Next Header field that holds the 0 (RFC 8200 section 4).
  expect_fault({options(), hop_by_hop()}, ChainFault::order, 40);
  expect_fault({hop_by_hop(), hop_by_hop()}, ChainFault::order, 40);
  expect_fault({options(), srh(0, 0, 2), hop_by_hop()}, ChainFault::order, 48);
}

TEST(WireIpv6Chain, Duty39_Bounded) {
  expect_upper(std::vector<Part>(8, options()), 40 + 64);
  expect_fault(std::vector<Part>(9, options()), ChainFault::limit, 40 + 64);
  expect_fault(std::vector<Part>(20, options()), ChainFault::limit, 40 + 64);
}

TEST(WireIpv6Chain, Duty40_UnknownRoutingTypes) {
  for (const unsigned type : {0, 2, 3, 5, 253, 255}) {
    expect_upper({routing(type, 0, 0, 2)}, 40 + 24);
    expect_upper({routing(type, 0, 0, 0)}, 40 + 8);
    expect_fault({routing(type, 1, 0, 2)}, ChainFault::unknown_routing, 42);
    expect_fault({options(), routing(type, 255, 0, 2)}, ChainFault::unknown_routing, 50);
    EXPECT_EQ(walk({routing(type, 0, 0, 2)}).srh_offset, 0);
  }
}

TEST(WireIpv6Chain, Duty41_FragmentsButAtomicOnes) {
  // reserved, offset 13 | reserved 2 | M, id
  expect_upper({fragment("0000 12345678")}, 48);
  expect_upper({fragment("0006 12345678")}, 48);
  expect_fault({fragment("0001 12345678")}, ChainFault::fragment, 40);
  expect_fault({fragment("0008 12345678")}, ChainFault::fragment, 40);
  expect_fault({options(), fragment("fff8 12345678")}, ChainFault::fragment, 48);
  Part reserved = fragment("0000 12345678");
  reserved.octets[1] = 0xff;  // not a length
  expect_upper({reserved}, 48);
}

// Hdr Ext Len, Last Entry, Segments Left, each one off the bound, both ways.
const struct {
  unsigned ext_len, last_entry, left;
  bool good;
} kSrhBounds[] = {
    {0, 0, 0, false},     {1, 0, 0, false},    {2, 0, 0, true},      {2, 0, 1, true},       {2, 0, 2, false},
    {2, 1, 0, false},     {3, 0, 0, true},     {3, 1, 0, false},     {4, 0, 0, true},       {4, 1, 0, true},
    {4, 1, 2, true},      {4, 1, 3, false},    {4, 2, 0, false},     {5, 1, 1, true},       {5, 2, 1, false},
    {4, 255, 0, false},   {4, 0, 2, false},    {4, 0, 255, false},   {254, 126, 127, true}, {254, 126, 128, false},
    {254, 127, 0, false}, {255, 126, 0, true}, {255, 127, 0, false},
};

TEST(WireIpv6Chain, Duty42_SrhBounds) {
  for (const auto& b : kSrhBounds) {
    SCOPED_TRACE(testing::Message() << b.ext_len << ' ' << b.last_entry << ' ' << b.left);
    const std::vector<Part> parts{options(), srh(b.left, b.last_entry, b.ext_len)};
    if (!b.good) {
      expect_fault(parts, ChainFault::bad_srh, 48 + 3);  // at Segments Left, RFC 8754 section 4.3.1.1
      continue;
    }
    const Ipv6Chain c = walk(parts);
    EXPECT_EQ(c.srh_offset, 48);
    EXPECT_EQ(c.segments_left, b.left);
    if (b.left == 0) {
      expect_upper(parts, 48 + 8 + 8 * b.ext_len);
    } else {
      EXPECT_EQ(c.fault, ChainFault::none);
      EXPECT_EQ(c.upper_layer, kProtocolRouting);
      EXPECT_EQ(c.upper_offset, 48);
    }
  }
}

TEST(WireIpv6Chain, Duty48_SeveralSrhs) {
  const auto of = [](const std::vector<Part>& parts) {
    const Ipv6Chain c = walk(parts);
    EXPECT_EQ(c.fault, ChainFault::none);
    return std::pair<unsigned, unsigned>(c.srh_offset, c.segments_left);
  };
  EXPECT_EQ(of({srh(0, 0, 2), srh(0, 0, 2)}), std::pair(40u, 0u));
  EXPECT_EQ(of({srh(0, 0, 2), srh(1, 0, 2)}), std::pair(64u, 1u));
  EXPECT_EQ(of({srh(1, 0, 2), srh(0, 0, 2)}), std::pair(40u, 1u));
  EXPECT_EQ(of({srh(1, 1, 4), srh(2, 1, 4)}), std::pair(40u, 1u));
  expect_fault({srh(0, 0, 2), srh(0, 1, 2)}, ChainFault::bad_srh, 64 + 3);
}

// RFC 8986 section 4.5 S02, RFC 8200 section 4: headers are judged in their order, and a segment that is not the last
// one does not look behind the SRH.
TEST(WireIpv6Chain, Duty48_NothingBehindAnSrhWithSegmentsLeftIsJudged) {
  for (const Part& behind : {fragment("0008 12345678"), hop_by_hop(), Part{kProtocolDstOpts, from_hex("04ff")}}) {
    const Ipv6Chain c = walk({srh(1, 0, 2), behind});
    EXPECT_EQ(c.fault, ChainFault::none);
    EXPECT_EQ(c.segments_left, 1);
    EXPECT_EQ(c.upper_layer, kProtocolRouting);
  }
}

// RFC 8200 section 4.2: of an unknown option the two highest bits say whether the packet is discarded.
TEST(WireIpv6Chain, Duty39_Options) {
  for (const std::uint8_t protocol : {kProtocolHopByHop, kProtocolDstOpts}) {
    const auto with = [protocol](const char* hex) { return std::vector<Part>{part(protocol, 0, hex)}; };
    expect_upper(with("000000000000"), 48);                        // six of Pad1
    expect_upper(with("0104 00000000"), 48);                       // PadN
    expect_upper(with("3e02 abcd 0100"), 48);                      // unknown, 00: skipped
    expect_upper(with("1e00 00 01 01 00"), 48);                    // lengths of nought and one
    expect_fault(with("5e04 00000000"), ChainFault::option, 42);   // 01: discard
    expect_fault(with("0100 9e02 0000"), ChainFault::option, 44);  // 10
    expect_fault(with("00 de03 000000"), ChainFault::option, 43);  // 11
    expect_fault(with("1e05 00000000"), ChainFault::option, 42);   // runs past its header
    expect_fault(with("0103 000000 1e"), ChainFault::option, 47);  // no room for its length
  }
}

TEST(WireIpv6Chain, TruncatedAtEveryLength) {
  const Octets packet = chain({hop_by_hop(), fragment("0000 12345678"), srh(0, 1, 5), options()});
  const std::size_t upper = 40 + 8 + 8 + 48 + 8;
  for (std::size_t length = 0; length < packet.size(); ++length) {
    const Ipv6Chain c = walk_extension_headers(Bytes(packet).first(length));
    EXPECT_EQ(c.fault, length < upper ? ChainFault::truncated : ChainFault::none) << length;
    EXPECT_LE(c.fault_offset, length) << length;
    EXPECT_EQ(c.upper_offset, length < upper ? 0 : upper) << length;
  }
}

TEST(WireSrh, Duty43_FieldsSegmentsAndTlvs) {
  // Two segments; then PadN of 2 and an unknown TLV (type 200, 2 octets).
  const Octets octets = from_hex(
      "04 05 04 01 01 80 1234 fc0000010000000000000000000000d4 fc000003000000000000000000000001"
      "0402 0000 c802 abcd ee");
  const auto checked = SrhView::check(octets);
  ASSERT_TRUE(checked);
  const SrhView& srh = checked.view;
  EXPECT_EQ(srh.next_header(), kProtocolIpv4);
  EXPECT_EQ(srh.header_length(), 48u);
  EXPECT_EQ(srh.segments_left(), 1);
  EXPECT_EQ(srh.last_entry(), 1);
  EXPECT_EQ(srh.flags(), 0x80);
  EXPECT_EQ(srh.tag(), 0x1234);
  EXPECT_EQ(srh.segment(0), *parse_ipv6("fc00:1::d4"));
  EXPECT_EQ(srh.segment(1), *parse_ipv6("fc00:3::1"));
  EXPECT_EQ(srh.segment(2), Ipv6Address{});
  EXPECT_TRUE(std::ranges::equal(srh.tlvs(), from_hex("0402 0000 c802 abcd")));
}

TEST(WireSrh, Duty46_ReducedSrhHasOneSegmentLess) {
  const Octets octets = from_hex("29 02 04 01 00 00 0000 fc0000010000000000000000000000d4");
  const auto checked = SrhView::check(octets);
  ASSERT_TRUE(checked);
  EXPECT_EQ(checked.view.segments_left(), checked.view.last_entry() + 1);
  EXPECT_TRUE(checked.view.tlvs().empty());
}

TEST(WireSrh, Duty42_Bounds) {
  for (const auto& b : kSrhBounds) {
    const Octets octets = srh(b.left, b.last_entry, b.ext_len).octets;
    EXPECT_EQ(SrhView::check(octets).fault, b.good ? SrhFault::none : SrhFault::bad)
        << b.ext_len << ' ' << b.last_entry << ' ' << b.left;
  }
}

TEST(WireSrh, TruncatedOrAnotherType) {
  const Octets octets = srh(0, 0, 2).octets;
  for (std::size_t length = 0; length < octets.size(); ++length)
    EXPECT_EQ(SrhView::check(Bytes(octets).first(length)).fault, SrhFault::truncated) << length;
  EXPECT_EQ(SrhView::check(routing(3, 0, 0, 2).octets).fault, SrhFault::not_srh);
}

}  // namespace
}  // namespace strata::wire
