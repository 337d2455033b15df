#include "config/difference.hpp"

#include <gtest/gtest.h>

#include "config/parser.hpp"

namespace strata::config {
namespace {

const std::string kPorts = R"(ports:
  wan: {device: a, mac: "02:00:00:00:01:01", addresses: [192.0.2.1/24], side: unprotected}
  lan: {device: b, mac: "02:00:00:00:01:02", addresses: [10.1.0.1/24], side: protected}
)";
const std::string kIn = R"(
    - {name: in, direction: in, spi: 0x1001, source: 192.0.2.2, destination: 192.0.2.1, algorithm: aes-128-gcm,
       key: "hex:0102030405060708090a0b0c0d0e0f1011121314",
       selectors: {source: "fc00:2::/48", destination: "fc00:1::/48"}})";
const std::string kOut = R"(
    - {name: out, direction: out, spi: 0x2001, source: 192.0.2.1, destination: 192.0.2.2, algorithm: aes-128-gcm,
       key: "hex:2122232425262728292a2b2c2d2e2f3031323334",
       selectors: {source: "fc00:1::/48", destination: "fc00:2::/48"}})";
const std::string kIpsec = "ipsec:\n  security_associations:";

std::string with(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

Config parsed(const std::string& text) {
  auto config = parse_text(text, "gateway.yaml");
  if (!config) ADD_FAILURE() << to_string(config.error().front(), "gateway.yaml");
  return std::move(*config);
}

Difference between(const std::string& before, const std::string& after) {
  return difference(parsed(before), parsed(after));
}

std::vector<std::string> texts(const Difference& difference) {
  std::vector<std::string> lines;
  for (const Change& change : difference.changes) lines.push_back(to_string(change));
  return lines;
}

using Lines = std::vector<std::string>;

TEST(Difference, NoneBetweenTheSame) {
  const std::string text = kPorts + kIpsec + kIn + kOut;
  EXPECT_EQ(texts(between(text, text)), Lines{});
}

TEST(Difference, EntriesComeGoAndChange) {
  const std::string routes = "routes:\n  - {prefix: 10.8.0.0/16, next_hop: 192.0.2.8, port: wan}\n";
  const Difference all = between(
      kPorts + routes + "  - {prefix: 10.9.0.0/16, next_hop: 192.0.2.8, port: wan}\n",
      kPorts + with(routes, "192.0.2.8", "192.0.2.9") + "  - {prefix: 10.7.0.0/16, next_hop: 192.0.2.8, port: wan}\n");
  EXPECT_EQ(texts(all), (Lines{"~ routes 10.8.0.0/16: next_hop 192.0.2.8 -> 192.0.2.9", "- routes 10.9.0.0/16",
                               "+ routes 10.7.0.0/16"}));
  EXPECT_TRUE(all.refused.empty());
}

TEST(Difference, TheOrderOfSasIsOne) {
  EXPECT_EQ(texts(between(kPorts + kIpsec + kIn + kOut, kPorts + kIpsec + kOut + kIn)),
            Lines{"~ ipsec.security_associations: another order"});
}

TEST(Difference, AKeyIsToldAndNotShown) {
  const std::string other = with(kOut, "31323334", "31323335");
  EXPECT_EQ(texts(between(kPorts + kIpsec + kOut, kPorts + kIpsec + other)),
            Lines{"~ ipsec.security_associations out: another key"});
}

TEST(Difference, ASettingThatCanChange) {
  const Difference icmp = between(kPorts + "icmp: {burst: 50}\n", kPorts + "icmp: {burst: 60}\n");
  EXPECT_EQ(texts(icmp), Lines{"~ icmp.burst: 50 -> 60"});
  EXPECT_TRUE(icmp.refused.empty());
}

TEST(Difference, WhatWantsARestartIsRefusedByItsPlace) {
  const Difference mtu = between(kPorts, with(kPorts, "[10.1.0.1/24]", "[10.1.0.1/24], mtu: 1400"));
  ASSERT_EQ(mtu.refused.size(), 1u);
  EXPECT_EQ(to_string(mtu.refused[0], "gateway.yaml"),
            "gateway.yaml:3:3: ports.lan.mtu: found 1400; it is 1500 as long as the gateway runs: restart it, or put "
            "that back");
  for (const char* section : {"workers: {count: 2}", "state: {directory: other}", "arp: {hold: 8}", "name: other",
                              "reassembly: {packets: 64}", "eal: {memory: 2048}", "control: {enabled: false}"})
    EXPECT_FALSE(between(kPorts, kPorts + section + "\n").refused.empty()) << section;
}

TEST(Difference, PortsInAnotherOrder) {
  const std::size_t lan = kPorts.find("  lan");
  const std::string other = "ports:\n" + kPorts.substr(lan) + kPorts.substr(7, lan - 7);
  EXPECT_EQ(between(kPorts, other).refused.size(), 1u);
}

// What follows from the rest, and was never said, is no change.
TEST(Difference, MoreNeighborsThanBeforeAreNoOtherMemory) {
  std::string neighbors = "neighbors:\n";
  for (int i = 0; i < 200; ++i) {
    const std::string n = std::to_string(i + 10);
    if (i < 246) neighbors += "  - {port: lan, address: 10.1.0." + n + ", mac: \"02:00:00:00:02:02\"}\n";
  }
  EXPECT_TRUE(between(kPorts, kPorts + neighbors).refused.empty());
}

TEST(Difference, AnInboundSaKeepsItsWindowOrIsRefused) {
  const std::string text = kPorts + kIpsec + kIn;
  const auto refused = [&](const std::string& after) { return !between(text, after).refused.empty(); };
  EXPECT_TRUE(refused(with(text, "algorithm", "replay_window: 64, algorithm")));
  EXPECT_TRUE(refused(with(text, "algorithm", "esn: true, algorithm")));
  EXPECT_TRUE(refused(with(with(text, "name: in", "name: other"), "algorithm", "esn: true, algorithm")))
      << "by any name";
  EXPECT_FALSE(refused(with(text, "fc00:2::/48", "fc00:2::/40")));
  EXPECT_FALSE(refused(with(with(text, "algorithm", "esn: true, algorithm"), "0x1001", "0x1002"))) << "another SPI";
  EXPECT_FALSE(refused(with(with(text, "algorithm", "esn: true, algorithm"), "11121314", "11121315"))) << "another key";
}

// RFC 4106 section 3.1.
TEST(Difference, Duty35_AKeyDoesNotTurnRound) {
  const std::string in = "direction: in, spi: 0x1000, source: 192.0.2.2, destination: 192.0.2.1";
  const std::string out = "direction: out, spi: 0x2000, source: 192.0.2.1, destination: 192.0.2.2";
  const auto with_sa = [](const std::string& what, const std::string& key) {
    return kPorts + "ipsec:\n  security_associations:\n    - {name: x, " + what +
           ", algorithm: aes-128-gcm, key: \"hex:" + key +
           "\", selectors: {source: \"fc00::/16\", destination: \"fc00::/16\"}}\n";
  };
  const std::string key(40, '1');
  const std::string other(40, '2');
  for (const auto& [was, is] : {std::pair(in, out), std::pair(out, in)}) {
    const Difference turned = between(with_sa(was, key), with_sa(is, key));
    ASSERT_EQ(turned.refused.size(), 1u);
    EXPECT_NE(to_string(turned.refused[0], "f").find("its key is that of SA 'x', of the other direction"),
              std::string::npos);
    EXPECT_TRUE(between(with_sa(was, key), with_sa(is, other)).refused.empty());
  }
}

TEST(Difference, WhichSaIsTheSame) {
  const auto same = [](const std::string& from, const std::string& to) {
    const Config before = parsed(kPorts + kIpsec + kOut);
    const Config after = parsed(kPorts + kIpsec + with(kOut, from, to));
    return is_same_sa(before.security_associations[0], after.security_associations[0]);
  };
  EXPECT_TRUE(same("name: out", "name: renamed"));
  EXPECT_TRUE(same("algorithm", "ttl: 7, dscp: 3, df: clear, algorithm"));
  EXPECT_TRUE(same("fc00:2::/48", "fc00:3::/48"));
  EXPECT_FALSE(same("0x2001", "0x2002"));
  EXPECT_FALSE(same("31323334", "31323335"));
  EXPECT_FALSE(same("destination: 192.0.2.2", "destination: 192.0.2.3"));
  EXPECT_FALSE(same("algorithm", "udp_encap: {source_port: 4500, destination_port: 4500}, algorithm"));
  EXPECT_FALSE(same("algorithm", "esn: true, algorithm"));
}

}  // namespace
}  // namespace strata::config
