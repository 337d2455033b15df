// Which SA takes a policy's packets, which neighbor leads to a peer, and what fits through: the fast searches against
// plain ones.
#include "config/steering.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "config/mtu.hpp"
#include "tests/unit/config_sample.hpp"

namespace strata::config {
namespace {

// The name of the SA that takes the sample's policy.
std::string sa_of_sample(const std::string& from, const std::string& to) {
  const Config config = parsed(changed(from, to));
  const SecurityAssociation* const sa = Steering(config).sa_of(config.policies.at(0));
  return sa == nullptr ? "none" : sa->name;
}

TEST(Steering, AnOutboundSaTakesWhatFitsItsSelectors) {
  const std::string selectors = "selectors: {source: \"fc00:1::/48\", destination: \"fc00:2::/48\"}";
  EXPECT_EQ(sa_of_sample(selectors, selectors), "to-b");
  EXPECT_EQ(sa_of_sample(selectors, "selectors: {source: \"fc00:1::1/128\", destination: \"fc00:2::d4/128\"}"), "to-b");
  EXPECT_EQ(sa_of_sample(selectors, "selectors: {source: \"::/0\", destination: \"::/0\", protocol: ipv4}"), "to-b");
  EXPECT_EQ(sa_of_sample(selectors, "selectors: {source: \"::/0\", destination: \"::/0\", protocol: ipv6}"), "none");
  EXPECT_EQ(sa_of_sample(selectors, "selectors: {source: \"fc00:1::2/128\", destination: \"::/0\"}"), "none");
  EXPECT_EQ(sa_of_sample(selectors, "selectors: {source: \"::/0\", destination: \"fc00:2::d5/128\"}"), "none");
  EXPECT_EQ(sa_of_sample(selectors, "selectors: {source: \"::/0\", destination: \"fc00:2:0:1::/64\"}"), "none");
}

// The first segment is where the IPv6 packet goes to, the others say nothing.
TEST(Steering, TheFirstSegmentDecides) {
  EXPECT_EQ(sa_of_sample("[\"fc00:2::d4\"]", "[\"fc00:2::1\", \"fc00:9::1\"]"), "to-b");
  EXPECT_EQ(sa_of_sample("[\"fc00:2::d4\"]", "[\"fc00:9::1\", \"fc00:2::1\"]"), "none");
}

// The inbound SA's selectors would take it, if its direction did not count.
TEST(Steering, AnInboundSaTakesNothing) {
  Config config = parsed(changed("[\"fc00:2::d4\"]", "[\"fc00:1::d4\"]"));
  config.srv6_source = wire::parse_ipv6("fc00:2::1");
  EXPECT_EQ(Steering(config).sa_of(config.policies.at(0)), nullptr);
  config.security_associations.at(0).direction = Direction::out;
  EXPECT_EQ(Steering(config).sa_of(config.policies.at(0)), &config.security_associations[0]);
}

TEST(Steering, AgreesWithThePlainSearchOverSas) {
  std::mt19937 random(26);
  const auto number = [&random](unsigned limit) { return static_cast<unsigned>(random() % limit); };
  const auto address = [](unsigned last) {
    wire::Ipv6Address a;
    a.octets = {0xfc, 0, 0, 2};
    a.octets[15] = static_cast<std::uint8_t>(last);
    return a;
  };
  for (int round = 0; round < 300; ++round) {
    Config config;
    config.srv6_source = address(0);
    for (unsigned first = 0; first < 256; first += 16) {  // one of each 16 addresses, so that none overlap
      if (number(3) == 0) continue;
      SecurityAssociation sa;
      sa.direction = Direction::out;
      sa.selectors.destination = {address(first + number(16)), static_cast<std::uint8_t>(124 + number(5))};
      sa.selectors.destination = wire::network_of(sa.selectors.destination);
      config.security_associations.push_back(std::move(sa));
    }
    const Steering steering(config);
    for (unsigned last = 0; last < 256; ++last) {
      Policy policy;
      policy.segments = {address(last)};
      const SecurityAssociation* plain = nullptr;
      for (const SecurityAssociation& sa : config.security_associations) {
        if (wire::contains(sa.selectors.destination, address(last))) plain = &sa;
      }
      ASSERT_EQ(steering.sa_of(policy), plain) << "round " << round << ", ::" << last;
    }
  }
}

constexpr std::string_view kWays = R"(
ports:
  wan: {device: a, addresses: [192.0.2.1/24, 198.51.100.1/31]}
  lan: {device: b, addresses: [10.1.0.1/16]}
routes:
  - {prefix: 192.0.2.128/25, next_hop: 10.1.0.9, port: lan}
  - {prefix: 192.0.0.0/16, next_hop: 10.1.0.8, port: lan}
  - {prefix: 203.0.113.0/24, next_hop: 192.0.2.254, port: wan}
  - {prefix: 203.0.113.7/32, next_hop: 192.0.2.253, port: wan}
)";

std::string way_to(const Config& config, const char* peer) {
  const auto next = Steering(config).towards(*wire::parse_ipv4(peer));
  return next ? wire::to_string(next->address) + " on " + next->port->name : "none";
}

TEST(Steering, TheLongestPrefixLeadsToThePeer) {
  Config config = parsed(std::string(kWays));
  EXPECT_EQ(way_to(config, "192.0.2.2"), "192.0.2.2 on wan");
  EXPECT_EQ(way_to(config, "198.51.100.0"), "198.51.100.0 on wan");
  EXPECT_EQ(way_to(config, "192.0.2.200"), "10.1.0.9 on lan") << "a route longer than the subnet";
  EXPECT_EQ(way_to(config, "192.0.3.1"), "10.1.0.8 on lan");
  EXPECT_EQ(way_to(config, "203.0.113.6"), "192.0.2.254 on wan");
  EXPECT_EQ(way_to(config, "203.0.113.7"), "192.0.2.253 on wan");
  EXPECT_EQ(way_to(config, "8.8.8.8"), "none");
  config.routes.push_back({.prefix = {}, .next_hop = {0x0a010007}, .port = "lan", .mark = {}});
  EXPECT_EQ(way_to(config, "8.8.8.8"), "10.1.0.7 on lan");
}

// tests/config/mtu_test.py goes through all combinations; here what there is no number for.
TEST(InnerMtu, IsThatOfThePortThatLeadsToThePeer) {
  Config config = parsed(std::string(kSample));
  const auto mtu = [&config] { return inner_mtu(Steering(config), config.policies.at(0)); };
  ASSERT_TRUE(mtu().has_value());
  EXPECT_EQ(to_string(*mtu()),
            "1406 = 1500 (wan) - 20 IPv4 - 0 UDP - 8 ESP - 8 IV - 16 ICV - 2 trailer and padding - 40 IPv6 - 0 SRH");
  config.ports[0].mtu = 9001;
  config.ports[1].mtu = 700;
  EXPECT_EQ(to_string(*mtu()),
            "8906 = 9001 (wan) - 20 IPv4 - 0 UDP - 8 ESP - 8 IV - 16 ICV - 3 trailer and padding - 40 IPv6 - 0 SRH");
  config.security_associations[1].destination = {0x0a010009};  // on the port lan
  EXPECT_EQ(mtu()->port, "lan");
  EXPECT_EQ(mtu()->inner, 606);
  config.security_associations[1].destination = {0xc6336401};  // by the route
  EXPECT_EQ(mtu()->port, "wan");
  config.routes.clear();
  EXPECT_FALSE(mtu().has_value()) << "no way to the peer";
}

TEST(InnerMtu, IsNothingWithoutAnSa) {
  Config config = parsed(changed("[\"fc00:2::d4\"]", "[\"fc00:9::d4\"]"));
  EXPECT_FALSE(inner_mtu(Steering(config), config.policies.at(0)).has_value());
}

}  // namespace
}  // namespace strata::config
