// What the parser makes of good configurations: every field, every default, every way of writing a value.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "config/describe.hpp"
#include "tests/unit/config_sample.hpp"
#include "tests/unit/scratch_file.hpp"

namespace strata::config {
namespace {

std::vector<std::uint8_t> octets(const Secret& secret) { return {secret.bytes().begin(), secret.bytes().end()}; }

TEST(ConfigValues, PortsAreWhatTheFileSays) {
  const Config c = parsed(std::string(kSample));
  ASSERT_EQ(c.ports.size(), 2U);
  EXPECT_EQ(c.ports[0].name, "wan");
  EXPECT_EQ(c.ports[0].device, "net_af_packet0,iface=wan0");
  EXPECT_EQ(c.ports[0].mac, wire::parse_mac("02:00:00:00:01:01"));
  ASSERT_EQ(c.ports[0].addresses.size(), 1U);
  EXPECT_EQ(wire::to_string(c.ports[0].addresses[0]), "192.0.2.1/24");
  ASSERT_EQ(c.ports[0].addresses6.size(), 1U);
  EXPECT_EQ(wire::to_string(c.ports[0].addresses6[0]), "2001:db8::1/64");
  EXPECT_EQ(c.ports[0].side, Side::unprotected_side);
  EXPECT_EQ(c.ports[0].mark.line, 2);
  EXPECT_EQ(c.ports[1].name, "lan");
  EXPECT_EQ(c.ports[1].device, "0000:3b:00.1");
  EXPECT_FALSE(c.ports[1].mac.has_value());
  EXPECT_EQ(c.ports[1].side, Side::protected_side);
}

TEST(ConfigValues, SecurityAssociationsAreWhatTheFileSays) {
  const Config c = parsed(std::string(kSample));
  ASSERT_EQ(c.security_associations.size(), 2U);
  const SecurityAssociation& in = c.security_associations[0];
  EXPECT_EQ(in.name, "from-b");
  EXPECT_EQ(in.direction, Direction::in);
  EXPECT_EQ(in.spi, 0x1001U);
  EXPECT_EQ(wire::to_string(in.source), "192.0.2.2");
  EXPECT_EQ(wire::to_string(in.destination), "192.0.2.1");
  ASSERT_TRUE(in.udp_encap.has_value());
  EXPECT_EQ(in.udp_encap->source_port, 4500);
  EXPECT_EQ(in.udp_encap->destination_port, 4501);
  EXPECT_EQ(in.algorithm, Algorithm::aes_128_gcm);
  EXPECT_EQ(octets(in.key),
            (std::vector<std::uint8_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20}));
  EXPECT_TRUE(in.esn);
  EXPECT_EQ(in.replay_window, 2048U);
  EXPECT_EQ(wire::to_string(in.selectors.source), "fc00:2::/48");
  EXPECT_EQ(wire::to_string(in.selectors.destination), "fc00:1::/48");
  EXPECT_EQ(in.selectors.protocol, 4);
  EXPECT_EQ(in.mark.line, 17);
}

TEST(ConfigValues, SecurityAssociationDefaults) {
  const Config c = parsed(std::string(kSample));
  const SecurityAssociation& out = c.security_associations.at(1);
  EXPECT_EQ(out.direction, Direction::out);
  EXPECT_FALSE(out.udp_encap.has_value());
  EXPECT_EQ(out.algorithm, Algorithm::chacha20_poly1305);
  EXPECT_EQ(out.key.bytes().size(), 36U);
  EXPECT_FALSE(out.esn);
  EXPECT_EQ(out.replay_window, 1024U);
  EXPECT_FALSE(out.selectors.protocol.has_value());
}

TEST(ConfigValues, AnEmptyUdpEncapIsBothDefaults) {
  const Config c =
      parsed(changed("udp_encap:\n        source_port: 4500\n        destination_port: 4501", "udp_encap: {}"));
  ASSERT_TRUE(c.security_associations.at(0).udp_encap.has_value());
  EXPECT_EQ(c.security_associations[0].udp_encap->source_port, 4500);
  EXPECT_EQ(c.security_associations[0].udp_encap->destination_port, 4500);
}

TEST(ConfigValues, Srv6IsWhatTheFileSays) {
  const Config c = parsed(std::string(kSample));
  ASSERT_TRUE(c.srv6_source.has_value());
  EXPECT_EQ(wire::to_string(*c.srv6_source), "fc00:1::1");
  ASSERT_EQ(c.local_sids.size(), 2U);
  EXPECT_EQ(wire::to_string(c.local_sids[0].sid), "fc00:1::d4/128");
  EXPECT_EQ(wire::to_string(c.local_sids[0].next_hop), "10.1.0.2");
  EXPECT_EQ(c.local_sids[0].port, "lan");
  EXPECT_FALSE(c.local_sids[0].clear);
  EXPECT_EQ(wire::to_string(c.local_sids[1].sid), "fc00:1:0:d4::/64");
  EXPECT_TRUE(c.local_sids[1].clear);
  ASSERT_EQ(c.policies.size(), 1U);
  EXPECT_EQ(c.policies[0].name, "to-b");
  ASSERT_EQ(c.policies[0].prefixes.size(), 2U);
  EXPECT_EQ(wire::to_string(c.policies[0].prefixes[1]), "10.3.0.0/16");
  ASSERT_EQ(c.policies[0].segments.size(), 1U);
  EXPECT_EQ(wire::to_string(c.policies[0].segments[0]), "fc00:2::d4");
  EXPECT_EQ(c.policies[0].mode, EncapMode::encaps_red);
  EXPECT_EQ(parsed(changed("H.Encaps.Red", "H.Encaps")).policies.at(0).mode, EncapMode::encaps);
  EXPECT_EQ(parsed(changed("      mode: H.Encaps.Red\n", "")).policies.at(0).mode, EncapMode::encaps_red);
}

TEST(ConfigValues, ASidWithoutLengthIsThatOneAddress) {
  EXPECT_EQ(wire::to_string(parsed(changed("fc00:1::d4/128", "fc00:1::d4")).local_sids.at(0).sid), "fc00:1::d4/128");
}

TEST(ConfigValues, RoutesNeighborsAndBypassAreWhatTheFileSays) {
  const Config c = parsed(std::string(kSample));
  ASSERT_EQ(c.routes.size(), 1U);
  EXPECT_EQ(wire::to_string(c.routes[0].prefix), "0.0.0.0/0");
  EXPECT_EQ(wire::to_string(c.routes[0].next_hop), "192.0.2.254");
  EXPECT_EQ(c.routes[0].port, "wan");
  ASSERT_EQ(c.neighbors.size(), 1U);
  EXPECT_EQ(c.neighbors[0].port, "lan");
  EXPECT_EQ(wire::to_string(c.neighbors[0].address), "10.1.0.2");
  EXPECT_EQ(wire::to_string(c.neighbors[0].mac), "02:00:00:00:02:02");
  ASSERT_EQ(c.bypass.size(), 1U);
  EXPECT_EQ(c.bypass[0].protocol, 17);
  ASSERT_TRUE(c.bypass[0].source_ports.has_value());
  EXPECT_EQ(c.bypass[0].source_ports->first, 1000);
  EXPECT_EQ(c.bypass[0].source_ports->last, 2000);
  ASSERT_TRUE(c.bypass[0].destination_ports.has_value());
  EXPECT_EQ(c.bypass[0].destination_ports->first, 53);
  EXPECT_EQ(c.bypass[0].destination_ports->last, 53);
}

struct Good {
  std::string_view from;
  std::string_view to;
};

TEST(ConfigValues, TheLimitsAreInside) {
  const Good kGood[] = {
      {"spi: 0x1001", "spi: 256"},
      {"spi: 0x1001", "spi: 0xFFFFFFFF"},
      {"spi: 0x1001", "spi: \"0x1001\""},
      {"replay_window: 2048", "replay_window: 0"},
      {"replay_window: 2048", "replay_window: 64"},
      {"replay_window: 2048", "replay_window: 4096"},
      {"destination_port: 4501", "destination_port: 1"},
      {"destination_port: 4501", "destination_port: 65535"},
      {"protocol: ipv4", "protocol: 1"},
      {"protocol: ipv4", "protocol: 59"},
      {"protocol: udp\n    source_ports: 1000-2000\n    destination_ports: 53",
       "protocol: 0"},  // IPv4 has no extension headers
      {"protocol: ipv4", "protocol: 255"},
      {"protocol: ipv4", "protocol: icmpv6"},
      {"destination_ports: 53", "destination_ports: \"53\""},
      {"destination_ports: 53", "destination_ports: 0-65535"},
      {"10.1.0.1/24", "10.1.0.0/31"},  // RFC 3021: both addresses are hosts
      {"[10.1.0.1/24]", "[10.1.0.1/24, 10.1.0.4/32]"},
      {"[10.1.0.1/24]", "[10.1.0.1/24, 10.1.0.129/25, 10.1.0.8/31]"},  // one port: no neighbor can be stolen
      {"[10.1.0.1/24]", "[10.1.0.4/32, 10.1.0.1/24]"},
      {"[10.1.0.1/24]", "[10.1.0.1/24, \"2001:db8:0:1::1/64\"]"},
      {"prefix: 0.0.0.0/0", "prefix: 0.0.0.0/1"},
      {"prefix: 0.0.0.0/0", "prefix: 128.0.0.0/1"},
      {"prefix: 0.0.0.0/0", "prefix: 1.0.0.0/8"},
      {"prefix: 0.0.0.0/0", "prefix: 126.0.0.0/7"},
      {"prefix: 0.0.0.0/0", "prefix: 169.255.0.0/16"},
      {"prefix: 0.0.0.0/0", "prefix: 223.255.255.255/32"},
      {"prefixes: [10.2.0.0/16, 10.3.0.0/16]", "prefixes: [169.0.0.0/8]"},
      {"2001:db8::1/64", "2001:db8::/127"},  // RFC 6164
      {"esn: true", "esn: false"},
      {"source: \"fc00:2::/48\"", "source: \"::/0\""},
  };
  for (const Good& good : kGood) {
    std::string text = changed(good.from, good.to);
    if (good.to == "10.1.0.0/31") {  // then only 10.1.0.1 is left for a neighbor
      for (std::size_t at = 0; (at = text.find("10.1.0.2\n")) != std::string::npos;) text.replace(at, 8, "10.1.0.1");
      text.replace(text.find("10.1.0.3"), 8, "10.1.0.1");
    }
    EXPECT_EQ(mistakes_in(text), "") << good.to;
  }
}

TEST(ConfigValues, SegmentsKeepTheirOrder) {
  const Config c = parsed(changed("[\"fc00:2::d4\"]", "[\"fc00:9::1\", \"fc00:8::1\", \"fc00:2::d4\"]"));
  ASSERT_EQ(c.policies.at(0).segments.size(), 3U);
  EXPECT_EQ(wire::to_string(c.policies[0].segments[0]), "fc00:9::1");
  EXPECT_EQ(wire::to_string(c.policies[0].segments[2]), "fc00:2::d4");
}

// While keys are changed: another SPI and key, the same peer and the same packets; twice, as rekeying may go on.
TEST(ConfigValues, Duty31_TheNewInboundSaStandsBesideTheOld) {
  std::string text(kSample);
  const std::size_t begin = text.find("    - name: from-b");
  const std::string old = text.substr(begin, text.find("    - name: to-b") - begin);
  for (const std::string nth : {"2", "3"}) {
    std::string next = old;
    next.replace(next.find("from-b"), 6, "from-b-" + nth);
    next.replace(next.find("0x1001"), 6, "0x100" + nth);
    next.replace(next.find("hex:01"), 6, "hex:f" + nth);
    text.insert(begin, next);
  }
  EXPECT_EQ(mistakes_in(text), "");
  EXPECT_EQ(parsed(text).security_associations.size(), 4U);
}

TEST(ConfigValues, AnAliasStandsForItsValue) {
  std::string text = changed("addresses: [192.0.2.1/24", "addresses: [&own 192.0.2.1/24");
  EXPECT_EQ(mistakes_in(text), "");
  text = changed("mac: \"02:00:00:00:01:01\"", "mac: &m \"02:00:00:00:01:01\"");
  text.replace(text.find("mac: \"02:00:00:00:02:02\""), 24, "mac: *m");
  EXPECT_EQ(parsed(text).neighbors.at(0).mac, wire::parse_mac("02:00:00:00:01:01"));
}

TEST(ConfigValues, OnePortIsEnough) {
  const Config c = parsed("ports: {a: {device: x}}");
  ASSERT_EQ(c.ports.size(), 1U);
  EXPECT_EQ(c.ports[0].side, Side::protected_side);
  EXPECT_TRUE(c.ports[0].addresses.empty());
}

TEST(ConfigValues, NoPortAndThirtyThreePortsAreRefused) {
  EXPECT_EQ(mistakes_in("ports: {}"), "c.yaml:1:8: ports: found 0 entries; allowed: a mapping of 1 to 32 names\n");
  EXPECT_EQ(mistakes_in("routes: []"),
            "c.yaml:1:1: ports: found nothing; required; allowed: a mapping of 1 to 32 names\n");
  std::string text = "ports:\n";
  for (int i = 0; i < 32; ++i) text += "  p" + std::to_string(i) + ": {device: x}\n";
  EXPECT_EQ(mistakes_in(text), "");
  EXPECT_EQ(mistakes_in(text + "  p32: {device: x}\n"),
            "c.yaml:2:3: ports: found 33 entries; allowed: a mapping of 1 to 32 names\n");
}

TEST(ConfigValues, AllMistakesAreReportedSortedByLine) {
  std::string text = changed("next_hop: 192.0.2.254", "next_hop: 10.0.0.1");
  text.replace(text.find("spi: 0x1001"), 11, "spi: 1");
  text.replace(text.find("esn: true"), 9, "ens: true");
  text.replace(text.find("address: 10.1.0.2"), 17, "address: 10.1.0");
  EXPECT_EQ(
      mistakes_in(text),
      "c.yaml:13:14: neighbors[0].address: found 10.1.0; allowed: an IPv4 address (in a subnet of the port)\n"
      "c.yaml:19:12: ipsec.security_associations[0].spi: found 1; allowed: 256..4294967295 (RFC 4303 2.1: 1..255 are "
      "reserved, 0 is never an SA)\n"
      "c.yaml:27:7: ipsec.security_associations[0].ens: found an unknown key; did you mean 'esn'? allowed: name, "
      "direction, spi, source, destination, udp_encap, algorithm, key, esn, replay_window, selectors, ttl, dscp, df, "
      "lifetime\n"
      "c.yaml:57:15: routes[0].next_hop: found 10.0.0.1; not in a subnet of port 'wan'; allowed: 192.0.2.0/24\n");
}

TEST(ConfigValues, ABrokenSaStillCountsForTheChecksAcrossSas) {
  std::string text = changed("name: to-b", "name: from-b");
  text.replace(text.find("algorithm: aes-128-gcm"), 22, "algorithm: rot13");
  const std::string mistakes = mistakes_in(text);
  EXPECT_NE(mistakes.find("found rot13"), std::string::npos);
  EXPECT_NE(mistakes.find("the name of the SA at line 17 already"), std::string::npos);
}

TEST(ConfigFile, WhatCannotBeReadIsSaidSo) {
  const auto missing = parse_file("/nonexistent/c.yaml");
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(to_string(missing.error().at(0), "/nonexistent/c.yaml"),
            "/nonexistent/c.yaml: cannot be read: No such file or directory");
  const auto folder = parse_file("/");
  ASSERT_FALSE(folder.has_value());
  EXPECT_EQ(to_string(folder.error().at(0), "/"), "/: cannot be read: Is a directory");
}

TEST(ConfigFile, ALineWithoutAnEndIsAPart) {
  const test::ScratchFile file;
  const auto said_of = [&](const char* text) {
    std::ofstream(file.path(), std::ios::trunc) << text;
    const auto done = parse_file(file.path());
    return done ? std::string() : to_string(done.error().at(0), "c.yaml");
  };
  const std::string part =
      "c.yaml: cannot be read: end it with a newline: its last line has no end, and may be written in part only";
  for (const char* cut : {"icmp:\n  burst: 5", "icmp:\n  burst: 5\n  rate: ", "{icmp: {burst"})
    EXPECT_EQ(said_of(cut), part);
  for (const char* whole : {"", "icmp: {burst: 5}\n", "{icmp: {}}", "[]"}) EXPECT_NE(said_of(whole), part) << whole;
}

TEST(ConfigFile, WhatIsNoMappingIsSaidSo) {
  EXPECT_EQ(mistakes_in(""), "c.yaml:1:1: an empty file; allowed: a mapping with 'ports'\n");
  EXPECT_EQ(mistakes_in("# nothing\n"), "c.yaml:1:1: an empty file; allowed: a mapping with 'ports'\n");
  EXPECT_EQ(mistakes_in("- a\n"), "c.yaml:1:1: found no mapping; allowed: a mapping with 'ports'\n");
  EXPECT_EQ(mistakes_in("ports"), "c.yaml:1:1: found no mapping; allowed: a mapping with 'ports'\n");
}

TEST(ConfigFile, AnAliasBombIsRefused) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    const std::string one = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + one;
    for (int j = 1; j < 10; ++j) bomb.append(", ").append(one);
    bomb += "]\n";
  }
  EXPECT_NE(mistakes_in(bomb).find("aliases that stand for more than 1000000 values"), std::string::npos);
}

TEST(ConfigFile, DeepNestingIsRefusedAndNothingBreaks) {
  EXPECT_NE(mistakes_in(std::string(100000, '[')), "");
  EXPECT_NE(mistakes_in("ports: " + std::string(300, '[') + std::string(300, ']')), "");
}

// Any prefix of a file, as an editor saves it in the middle: mistakes, or a configuration, but never more than that.
TEST(ConfigFile, EveryTruncationIsSurvived) {
  for (std::size_t size = 0; size < kSample.size(); ++size) {
    const std::string text(kSample.substr(0, size));
    for (const char* key : {"0102030405060708", "2122232425262728"}) {
      EXPECT_EQ(mistakes_in(text).find(key), std::string::npos) << size;
    }
  }
}

TEST(Describe, SaysWhatThereIsAndNoKey) {
  const Config c = parsed(std::string(kSample));
  const std::string text = describe(c);
  const std::string json = describe_json(c).dump();
  for (const char* word : {"wan", "192.0.2.1/24", "from-b", "aes-128-gcm", "fc00:1::d4/128", "End.DX4", "10.2.0.0/16",
                           "H.Encaps.Red", "192.0.2.254", "02:00:00:00:02:02", "protected"}) {
    EXPECT_NE(text.find(word), std::string::npos) << word;
    EXPECT_NE(json.find(word), std::string::npos) << word;
  }
  for (const char* key : {"01020304", "21222324", "1234"}) {
    EXPECT_EQ(text.find(key), std::string::npos) << key;
    EXPECT_EQ(json.find(key), std::string::npos) << key;
  }
}

TEST(Describe, NotesASidThatNothingCanReach) {
  const std::string text = describe(parsed(changed("fc00:1::d4/128", "fc00:7::d4/128")));
  EXPECT_NE(text.find("No inbound SA is for SID fc00:7::d4/128 (line 44)"), std::string::npos) << text;
  EXPECT_EQ(describe(parsed(std::string(kSample))).find("No inbound SA"), std::string::npos);
}

}  // namespace
}  // namespace strata::config
