// The dissector: right words for whole frames, and no octet out of bounds for any other.
#include "replay/dissect.hpp"

#include <gtest/gtest.h>

#include <random>

#include "tests/unit/guard_page.hpp"
#include "tests/unit/hex.hpp"
#include "tests/unit/scapy_frames.hpp"

namespace strata::replay {
namespace {

using test::from_hex;
using test::Octets;

std::string names(const std::vector<Layer>& layers) {
  std::string text;
  for (const Layer& layer : layers) text += (text.empty() ? "" : " / ") + layer.name;
  return text;
}

// "" if there is no such layer or field. Of layers of the same name the last one is taken.
std::string value(const Octets& frame, std::string_view layer_name, std::string_view field_name) {
  std::string found;
  for (const Layer& layer : dissect(frame))
    if (const Field* field = find_field(layer, field_name); layer.name == layer_name && field != nullptr)
      found = field->value;
  return found;
}

void expect_inside(std::span<const std::uint8_t> frame) {
  for (const Layer& layer : dissect(frame)) {
    EXPECT_LE(layer.offset + layer.length, frame.size()) << layer.name;
    for (const Field& field : layer.fields) {
      EXPECT_GE(field.offset, layer.offset) << layer.name << " " << field.name;
      EXPECT_LE(field.offset + field.length, layer.offset + layer.length) << layer.name << " " << field.name;
    }
  }
  EXPECT_EQ(summary(frame).find('\n'), std::string::npos);
}

TEST(Dissect, NamesTheLayers) {
  EXPECT_EQ(names(dissect(from_hex(test::kIcmpFrame))), "Ethernet / IPv4 / ICMP / payload");
  EXPECT_EQ(names(dissect(from_hex(test::kEspInUdpFrame))), "Ethernet / IPv4 / UDP / ESP");
  EXPECT_EQ(names(dissect(from_hex(test::kEspFrame))), "Ethernet / IPv4 / ESP");
  EXPECT_EQ(names(dissect(from_hex(test::kArpFrame))), "Ethernet / ARP / trailer");
  EXPECT_EQ(names(dissect(from_hex(test::kSrv6Frame))),
            "Ethernet / VLAN / IPv6 / destination options / SRH / IPv4 / TCP");
  EXPECT_EQ(names(dissect(from_hex(test::kIcmp6Frame))), "Ethernet / IPv6 / ICMPv6 / payload");
}

TEST(Dissect, LayersFollowEachOtherWithoutGaps) {
  for (const auto& text : test::kFrames) {
    const Octets frame = from_hex(text);
    std::size_t end = 0;
    for (const Layer& layer : dissect(frame)) {
      EXPECT_EQ(layer.offset, end) << layer.name;
      end = layer.offset + layer.length;
    }
    EXPECT_EQ(end, frame.size());
    expect_inside(frame);
  }
}

TEST(Dissect, SaysNothingIsWrongInGoodFrames) {
  for (const auto& text : test::kFrames)
    for (const Layer& layer : dissect(from_hex(text)))
      for (const Field& field : layer.fields)
        EXPECT_EQ(field.value.find("wrong"), std::string::npos) << layer.name << " " << field.name << field.value;
}

TEST(Dissect, ReadsTheFields) {
  const Octets frame = from_hex(test::kSrv6Frame);
  EXPECT_EQ(value(frame, "VLAN", "VID"), "5");
  EXPECT_EQ(value(frame, "VLAN", "priority"), "3");
  EXPECT_EQ(value(frame, "IPv6", "source"), "fc00:2::1");
  EXPECT_EQ(value(frame, "IPv6", "ECN"), "2 ECT(0)");
  EXPECT_EQ(value(frame, "IPv6", "DSCP"), "0");
  EXPECT_EQ(value(frame, "IPv6", "flow label"), "0x12345");
  EXPECT_EQ(value(frame, "IPv6", "next header"), "60 destination options");
  EXPECT_EQ(value(frame, "SRH", "segments left"), "0");
  EXPECT_EQ(value(frame, "SRH", "last entry"), "1");
  EXPECT_EQ(value(frame, "SRH", "segment 0"), "fc00:1::d4");
  EXPECT_EQ(value(frame, "SRH", "segment 1"), "fc00:3::1");
  EXPECT_EQ(value(frame, "IPv4", "header length"), "24");
  EXPECT_EQ(value(frame, "IPv4", "options"), "4 octets: 01 00 00 00");
  EXPECT_EQ(value(frame, "TCP", "flags"), "SYN");
  EXPECT_EQ(value(frame, "TCP", "destination port"), "80");
  EXPECT_EQ(value(from_hex(test::kIcmpFrame), "IPv4", "flags"), "DF");
  EXPECT_EQ(value(from_hex(test::kEspInUdpFrame), "UDP", "checksum"), "0x0000 (none)");
  EXPECT_EQ(value(from_hex(test::kEspInUdpFrame), "ESP", "SPI"), "0x00001001");
  EXPECT_EQ(value(from_hex(test::kArpFrame), "ARP", "sender"), "10.1.0.1");
}

TEST(Dissect, SummariesAreOneLine) {
  EXPECT_EQ(summary(from_hex(test::kEspInUdpFrame)),
            "192.0.2.2 > 192.0.2.1 ESP-in-UDP 4500 spi 0x00001001 seq 7, 60 octets");
  EXPECT_EQ(summary(from_hex(test::kEspFrame)), "192.0.2.2 > 192.0.2.1 ESP spi 0x00001001 seq 7, 52 octets");
  EXPECT_EQ(summary(from_hex(test::kIcmpFrame)), "10.2.0.2 > 10.1.0.2 ICMP echo request, ttl 63");
  EXPECT_EQ(summary(from_hex(test::kArpFrame)), "ARP who-has 10.1.0.2 tell 10.1.0.1");
  EXPECT_EQ(summary(from_hex(test::kSrv6Frame)),
            "VLAN 5 fc00:2::1 > fc00:1::d4 destination options SRH segments left 0: "
            "10.2.0.2 > 10.1.0.2 TCP 1000 > 80 SYN, ttl 64");
  EXPECT_EQ(summary(from_hex(test::kIcmp6Frame)), "fc00:2::1 > fc00:1::1 ICMPv6 echo request, hop limit 64");
  EXPECT_EQ(summary(from_hex("020000000101 020000000002 88cc 0001")),
            "02:00:00:00:00:02 > 02:00:00:00:01:01 type 0x88cc, 16 octets");
  EXPECT_EQ(summary({}), "(malformed: Ethernet: 14 octets needed, 0 are there), 0 octets");
}

TEST(Dissect, EspPortsAreTheOnesTold) {
  Octets frame = from_hex(test::kEspInUdpFrame);
  EXPECT_EQ(names(dissect(frame, {.esp_ports = {4501}})), "Ethernet / IPv4 / UDP / payload");
  frame[14 + 20 + 0] = 0x10;  // neither port is 4500 any more
  frame[14 + 20 + 3] = 0x95;
  EXPECT_EQ(names(dissect(frame)), "Ethernet / IPv4 / UDP / payload");
  EXPECT_EQ(names(dissect(frame, {.esp_ports = {4500, 4501}})), "Ethernet / IPv4 / UDP / ESP");
}

TEST(Dissect, ShowsBothPortsWhereANatChangedOne) {
  Octets frame = from_hex(test::kEspInUdpFrame);
  frame[14 + 20] = 0xee;
  frame[14 + 20 + 1] = 0x48;
  EXPECT_EQ(summary(frame), "192.0.2.2 > 192.0.2.1 ESP-in-UDP 61000 > 4500 spi 0x00001001 seq 7, 60 octets");
}

TEST(Dissect, KeepalivesAndIkeAreNotEsp) {
  Octets frame = from_hex(test::kEspInUdpFrame);
  for (std::size_t i = 42; i < 46; ++i) frame[i] = 0;
  EXPECT_EQ(names(dissect(frame)), "Ethernet / IPv4 / UDP / IKE");
  const Octets keepalive =
      from_hex("020000000101 020000000002 0800 4500001d 00010000 4011f6cb c0000202 c0000201 1194 1194 0009 0000 ff");
  EXPECT_EQ(summary(keepalive), "192.0.2.2 > 192.0.2.1 ESP-in-UDP 4500 NAT keepalive, ttl 64");
}

TEST(Dissect, WrongChecksumsAreShownWithTheRightOnes) {
  struct Case {
    std::string_view frame;
    std::size_t offset;  // of the checksum
    std::string_view layer;
  };
  for (const Case& c :
       {Case{test::kIcmpFrame, 24, "IPv4"}, Case{test::kIcmpFrame, 36, "ICMP"}, Case{test::kSrv6Frame, 116, "IPv4"},
        Case{test::kSrv6Frame, 146, "TCP"}, Case{test::kIcmp6Frame, 56, "ICMPv6"}}) {
    Octets frame = from_hex(c.frame);
    const std::string good = value(frame, c.layer, "checksum");
    frame[c.offset] ^= 0x5a;
    const std::string bad = value(frame, c.layer, "checksum");
    EXPECT_TRUE(bad.ends_with(" (wrong, should be " + good + ")")) << c.layer << " " << bad;
    EXPECT_NE(bad.substr(0, 6), good);
  }
}

// Each field of the frame set to what it must not be, and what is said of it.
TEST(Dissect, ContradictionsAreTold) {
  struct Case {
    std::string_view frame;
    std::size_t offset;
    std::uint8_t octet;
    std::string_view layer, field, says;
  };
  const Case cases[] = {
      {test::kIcmpFrame, 14, 0x65, "IPv4", "version", "6 (wrong, should be 4)"},
      {test::kIcmpFrame, 14, 0x44, "IPv4", "header length", "16 (wrong, at least 20)"},
      {test::kIcmpFrame, 14, 0x4f, "IPv4", "header length", "60 (wrong, 34 octets there)"},
      {test::kIcmpFrame, 17, 19, "IPv4", "total length", "19 (wrong, less than the header)"},
      {test::kIcmpFrame, 17, 35, "IPv4", "total length", "35 (wrong, 34 octets there)"},
      {test::kEspInUdpFrame, 39, 7, "UDP", "length", "7 (wrong, at least 8)"},
      {test::kEspInUdpFrame, 39, 41, "UDP", "length", "41 (wrong, 40 octets there)"},
      {test::kIcmp6Frame, 14, 0x40, "IPv6", "version", "4 (wrong, should be 6)"},
      {test::kIcmp6Frame, 19, 14, "IPv6", "payload length", "14 (wrong, 13 octets there)"},
      {test::kSrv6Frame, 70, 2, "SRH", "last entry", "2 (wrong, room for 2 segments)"},
      {test::kSrv6Frame, 69, 3, "SRH", "segments left", "3 (wrong, more than last entry + 1)"},
      {test::kSrv6Frame, 142, 0x40, "TCP", "header length", "16 (wrong, 20 to 24)"},
  };
  for (const Case& c : cases) {
    Octets frame = from_hex(c.frame);
    frame[c.offset] = c.octet;
    EXPECT_EQ(value(frame, c.layer, c.field), c.says);
    expect_inside(frame);
  }
}

TEST(Dissect, FragmentsAreNotLookedInto) {
  Octets frame = from_hex(test::kIcmpFrame);
  frame[21] = 1;  // offset 8
  EXPECT_EQ(names(dissect(frame)), "Ethernet / IPv4 / fragment");
  EXPECT_EQ(summary(frame), "10.2.0.2 > 10.1.0.2 fragment at 8, ttl 63");
  frame[21] = 0;
  frame[20] = 0x20;  // MF: its start is there, its checksum cannot be judged
  EXPECT_EQ(names(dissect(frame)), "Ethernet / IPv4 / ICMP / payload");
  EXPECT_EQ(value(frame, "ICMP", "checksum"), "0x8b93");
  EXPECT_EQ(summary(frame), "10.2.0.2 > 10.1.0.2 fragment at 0, more follow ICMP echo request, ttl 63");
}

TEST(Dissect, WhatFollowsAPacketIsItsTrailer) {
  Octets frame = from_hex(test::kIcmpFrame);
  frame.insert(frame.end(), 12, 0);
  EXPECT_EQ(names(dissect(frame)), "Ethernet / IPv4 / ICMP / payload / trailer");
  EXPECT_EQ(value(frame, "ICMP", "checksum"), "0x8b93");
}

TEST(Dissect, DeepNestingNeedsNoStack) {
  Octets frame = from_hex("020000000101 020000000002 8100");
  for (int i = 0; i < 60'000; ++i) frame.insert(frame.end(), {0x00, 0x05, 0x81, 0x00});
  EXPECT_GT(dissect(frame).size(), 60'000u);
}

TEST(Dissect, EveryTruncationStaysInside) {
  for (const auto& text : test::kFrames)
    test::at_every_length(from_hex(text), [](std::span<const std::uint8_t> frame) { expect_inside(frame); });
}

TEST(Dissect, RandomMutationsStayInside) {
  constexpr int kMutations = 100'000;
  std::mt19937 random(4303);
  test::GuardedMemory memory(512);
  for (int i = 0; i < kMutations; ++i) {
    Octets frame = from_hex(test::kFrames[random() % std::size(test::kFrames)]);
    for (unsigned changes = 1 + random() % 4; changes != 0; --changes)
      frame[random() % frame.size()] = static_cast<std::uint8_t>(random());
    if (random() % 4 == 0) frame.resize(random() % (frame.size() + 1));
    expect_inside(memory.at_end(frame));
    if (HasFailure()) break;
  }
}

}  // namespace
}  // namespace strata::replay
