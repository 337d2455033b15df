// Every view against an unmapped page, before and after, at every length and with every kind of damage: what check lets
// pass, the accessors must be able to read.
#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <random>

#include "dataplane/wire/arp.hpp"
#include "dataplane/wire/checksum.hpp"
#include "dataplane/wire/ecn.hpp"
#include "dataplane/wire/esp.hpp"
#include "dataplane/wire/esp_in_udp.hpp"
#include "dataplane/wire/ethernet.hpp"
#include "dataplane/wire/icmp.hpp"
#include "dataplane/wire/ipv4.hpp"
#include "dataplane/wire/ipv4_in_ipv6.hpp"
#include "dataplane/wire/ipv6.hpp"
#include "dataplane/wire/srh.hpp"
#include "dataplane/wire/udp.hpp"
#include "tests/unit/guard_page.hpp"
#include "tests/unit/hex.hpp"

namespace strata::wire {
namespace {

using test::from_hex;
using test::Octets;
using Span = std::span<std::uint8_t>;

volatile std::uint64_t sink;  // NOLINT: what is read must not be optimised away

void use(std::uint64_t value) { sink = sink + value; }
void use(Ipv4Address a) { use(a.value); }
void use(const MacAddress& a) { use(a.octets[0] + std::uint64_t{a.octets[5]}); }
void use(const Ipv6Address& a) { use(a.octets[0] + std::uint64_t{a.octets[15]}); }
void use(Bytes bytes) {
  for (const std::uint8_t b : bytes) use(std::uint64_t{b});
}

// Each read_*: check, and where it passes all the accessors. True: it passed.

bool read_ethernet(Span octets) {
  const auto c = EthernetView::check(octets);
  if (!c) return false;
  use(c.view.destination());
  use(c.view.source());
  use(c.view.ethertype());
  EXPECT_LE(c.view.header_length(), octets.size());
  for (int i = -1; i < 4; ++i) use(c.view.vlan_id(i));
  return true;
}

bool read_ipv4(Span octets) {
  const auto c = Ipv4View::check(octets);
  if (!c) return false;
  const Ipv4View& v = c.view;
  EXPECT_LE(v.total_length(), octets.size());
  use(v.tos() + v.dscp() + v.ecn() + v.id() + v.ttl() + v.protocol() + v.checksum() + v.fragment_offset());
  use(std::uint64_t{v.dont_fragment()} + v.more_fragments() + v.is_fragment());
  use(v.source());
  use(v.destination());
  use(v.payload());
  ipv4_decrement_ttl(octets.data());
  ipv4_set_ecn(octets.data(), 3);
  return true;
}

bool read_udp(Span octets) {
  const auto c = UdpView::check(octets);
  if (!c) return false;
  use(std::uint64_t{c.view.source_port()} + c.view.destination_port() + c.view.checksum() + c.view.length());
  use(c.view.payload());
  return true;
}

bool read_esp(Span octets) {
  const auto c = EspView::check(octets);
  if (!c) return false;
  use(std::uint64_t{c.view.spi()} + c.view.sequence());
  return true;
}

bool read_trailer(Span octets) {
  const EspTrailer t = check_trailer(octets);
  if (!t) return false;
  use(Bytes(octets).first(t.payload_length));
  return true;
}

bool read_short_trailer(Span octets) {
  const std::size_t payload = payload_before_short_padding(octets, 41);
  if (payload == 0) return false;
  use(Bytes(octets).first(payload));
  return true;
}

bool read_ipv6(Span octets) {
  const auto c = Ipv6View::check(octets);
  if (!c) return false;
  const Ipv6View& v = c.view;
  EXPECT_LE(v.total_length(), octets.size());
  use(std::uint64_t{v.traffic_class()} + v.dscp() + v.ecn() + v.flow_label() + v.next_header() + v.hop_limit());
  use(v.source());
  use(v.destination());
  use(Bytes(v.source_bytes(), 16));
  use(Bytes(v.destination_bytes(), 16));
  use(Bytes(octets).first(v.total_length()));
  ipv6_set_ecn(octets.data(), 3);
  return true;
}

// Of all lengths, also those that Ipv6View refuses: the walk must hold by itself.
bool read_chain(Span octets) {
  const Ipv6Chain c = walk_extension_headers(octets);
  EXPECT_LE(c.fault_offset, octets.size());
  if (c.fault != ChainFault::none) return false;
  use(Bytes(octets).subspan(c.upper_offset));
  if (c.srh_offset == 0) return true;
  const auto srh = SrhView::check(Bytes(octets).subspan(c.srh_offset));
  EXPECT_TRUE(srh);
  EXPECT_EQ(srh.view.segments_left(), c.segments_left);
  return true;
}

bool read_srh(Span octets) {
  const auto c = SrhView::check(octets);
  if (!c) return false;
  const SrhView& v = c.view;
  EXPECT_LE(v.header_length(), octets.size());
  use(std::uint64_t{v.next_header()} + v.segments_left() + v.last_entry() + v.flags() + v.tag());
  for (std::size_t i = 0; i < 258; ++i) use(v.segment(i));
  use(v.tlvs());
  return true;
}

bool read_arp(Span octets) {
  const auto c = ArpView::check(octets);
  if (!c) return false;
  use(c.view.operation());
  use(c.view.sender_mac());
  use(c.view.sender_ip());
  use(c.view.target_mac());
  use(c.view.target_ip());
  return true;
}

bool read_icmp(Span octets) {
  const auto c = IcmpView::check(octets);
  if (!c) return false;
  use(std::uint64_t{c.view.type()} + c.view.code() + c.view.checksum());
  return true;
}

constexpr const char* kEspInUdp =
    "020000000101 020000000202 0800 4500 0030 0001 4000 4011 4e85 c0000202 c6336401 1194 1194 001c 0000"
    "00001001 00000001 0102030405060708 aabbccdd";

// What says the same as the sample, but for lengths, ID and sums.
bool read_esp_in_udp(Span octets) {
  static const Octets sample = from_hex(kEspInUdp);
  const std::size_t esp = EspInUdpHead(sample.data()).esp_in(octets, HeaderSum::unknown);
  if (esp == 0) return false;
  use(Bytes(octets).subspan(EspInUdpHead::kEspOffset, esp));
  return true;
}

bool read_ipv4_in_ipv6(Span octets) {
  const auto ip = Ipv4InIpv6View::check(octets, Ecn::not_ect);
  if (!ip || !ip->ipv4_sum_is_right()) return false;
  use(Bytes(ip->ipv6_addresses(), 32));
  EXPECT_LE(ip->ipv6_total_length(), octets.size());
  use(ip->ttl() + ip->ipv4_addresses());
  use(Bytes(octets).subspan(Ipv4InIpv6View::kIpv4Offset, ip->ipv4_total_length()));
  ipv4_decrement_ttl(octets.data() + Ipv4InIpv6View::kIpv4Offset);
  return true;
}

bool read_checksum(Span octets) {
  use(checksum(octets));
  return true;
}

struct Sample {
  const char* name;
  bool (*read)(Span);
  const char* hex;
  std::size_t least;  // the shortest length that passes
};

void PrintTo(const Sample& s, std::ostream* out) { *out << s.name; }

const std::array kSamples{
    Sample{"ethernet", read_ethernet, "020000000101 020000000202 0800 45", 14},
    Sample{"ethernet_one_tag", read_ethernet, "020000000101 020000000202 8100 0064 0800 45", 18},
    Sample{"ethernet_two_tags", read_ethernet, "020000000101 020000000202 88a8 0064 8100 0065 0800 45", 22},
    Sample{"ipv4", read_ipv4, "4500 0018 0000 4000 4011 b8bc c0a8 0001 c0a8 00c7 deadbeef 0000", 24},
    Sample{"ipv4_options", read_ipv4, "4600 001c 0000 4000 4011 23b4 c0a8 0001 c0a8 00c7 9404 0000 deadbeef", 28},
    Sample{"udp", read_udp, "1194 1194 000c 0000 00001001 eeee", 12},
    Sample{"esp", read_esp, "00001001 00000001 00", 8},
    Sample{"esp_in_udp", read_esp_in_udp, kEspInUdp, 62},
    Sample{"arp", read_arp, "0001 0800 06 04 0001 020000000202 c0000202 000000000000 c0000201 0000", 28},
    Sample{"icmp", read_icmp, "080072ca1234000173", 9},
    Sample{"ipv6", read_ipv6,
           "60000000 0004 04 40 fc000002000000000000000000000001 fc0000010000000000000000000000d4 45000014 ee", 44},
    Sample{"ipv4_in_ipv6", read_ipv4_in_ipv6,
           "60000000 0018 04 40 fc000002000000000000000000000001 fc0000010000000000000000000000d4"
           "4500 0018 0000 4000 4011 b8bc c0a8 0001 c0a8 00c7 deadbeef ee",
           64},
    Sample{"chain", read_chain,
           "60000000 004c 00 40 fc000002000000000000000000000001 fc0000010000000000000000000000d4"
           "3c00 0104 00000000 2b00 0104 00000000"
           "2c05 0400 0100 0000 fc0000010000000000000000000000d4 fc000003000000000000000000000001 0402 0000 c802 abcd"
           "0400 0000 12345678 45000014",
           112},
    Sample{
        "srh", read_srh,
        "0405 0400 0100 0000 fc0000010000000000000000000000d4 fc000003000000000000000000000001 0402 0000 c802 abcd ee",
        48},
};

class WireGuard : public testing::TestWithParam<Sample> {};

TEST_P(WireGuard, AtEveryLength) {
  const Octets octets = from_hex(GetParam().hex);
  test::at_every_length(
      octets, [](Span part) { EXPECT_EQ(GetParam().read(part), part.size() >= GetParam().least) << part.size(); });
}

// 10^5 times: some octets changed, sometimes cut, ending where the memory ends or beginning where it begins.
TEST_P(WireGuard, DamagedInEveryWay) {
  const Octets octets = from_hex(GetParam().hex);
  test::GuardedMemory memory(octets.size());
  std::mt19937 random(4303);
  const auto below = [&random](std::size_t n) { return random() % n; };
  std::size_t passed = 0;
  for (int round = 0; round < 100'000; ++round) {
    Octets damaged = octets;
    for (std::size_t changes = 1 + below(4); changes > 0; --changes)
      damaged[below(damaged.size())] = static_cast<std::uint8_t>(random());
    if (below(4) == 0) damaged.resize(below(damaged.size() + 1));
    passed += GetParam().read(round % 2 == 0 ? memory.at_end(damaged) : memory.at_begin(damaged)) ? 1 : 0;
  }
  EXPECT_GT(passed, 0u);
}

// Each octet through all its values, the rest whole.
TEST_P(WireGuard, EveryOctetEveryValue) {
  const Octets octets = from_hex(GetParam().hex);
  test::GuardedMemory memory(octets.size());
  for (std::size_t i = 0; i < octets.size(); ++i)
    for (unsigned value = 0; value < 256; ++value) {
      Octets damaged = octets;
      damaged[i] = static_cast<std::uint8_t>(value);
      GetParam().read(memory.at_end(damaged));
      // Cut to what the intact packet needs, so that a length field may point past the page at once.
      GetParam().read(memory.at_end(Bytes(damaged).first(GetParam().least)));
    }
}

INSTANTIATE_TEST_SUITE_P(Views, WireGuard, testing::ValuesIn(kSamples),
                         [](const auto& sample) { return std::string(sample.param.name); });

TEST(WireGuardMore, Duty09_TrailerOfEveryLengthAndPadLength) {
  for (unsigned pad = 0; pad < 256; ++pad) {
    Octets octets(pad % 9, 0xcc);
    for (unsigned i = 1; i <= pad; ++i) octets.push_back(static_cast<std::uint8_t>(i));
    test::GuardedMemory memory(octets.size() + 2);
    for (const unsigned says : {pad, 0U, 1U, 7U, 8U, 255U}) {
      Octets whole = octets;
      whole.push_back(static_cast<std::uint8_t>(says));
      whole.push_back(41);
      read_trailer(memory.at_begin(whole));
      read_trailer(memory.at_end(whole));
    }
  }
  test::at_every_length(Octets(300, 0x05), [](Span part) { read_trailer(part); });
  for (std::uint8_t pad = 0; pad < 12; ++pad) {
    Octets text(20, pad);
    text.back() = 41;
    test::at_every_length(text, [](Span part) { read_short_trailer(part); });
    std::reverse(text.begin(), text.end());
    test::at_every_length(text, [](Span part) { read_short_trailer(part); });
  }
}

TEST(WireGuardMore, ChecksumOfEveryLength) {
  test::at_every_length(Octets(130, 0xff), [](Span part) { EXPECT_TRUE(read_checksum(part)); });
}

// The tests above mean something only if the pages are really there.
TEST(WireGuardDeathTest, OneOctetTooFarIsFatal) {
  test::GuardedMemory memory(100);
  const Octets octets(100, 0x11);
  EXPECT_DEATH(use(memory.at_end(octets).data()[100]), "");
  EXPECT_DEATH(use(memory.at_begin(octets).data()[-1]), "");
  EXPECT_DEATH(memory.at_end(octets).data()[100] = 1, "");
}

}  // namespace
}  // namespace strata::wire
