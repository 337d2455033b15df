#include "control/build.hpp"

#include <gtest/gtest.h>

#include <set>

#include "config/parser.hpp"
#include "tests/unit/dataplane_env.hpp"

namespace strata {
namespace {

constexpr std::string_view kText = R"(
ports:
  wan: {device: net_null0, addresses: [192.0.2.1/24, 198.51.100.0/31, 203.0.113.7/32], side: unprotected}
  lan: {device: net_null1, addresses: [10.1.0.1/24, "fc00:1::1/64"], side: protected}
neighbors:
  - {port: lan, address: 10.1.0.2, mac: "02:00:00:00:02:02"}
  - {port: wan, address: 192.0.2.254, mac: "02:00:00:00:02:fe"}
ipsec:
  security_associations:
    - name: first
      direction: in
      spi: 0x1001
      source: 192.0.2.2
      destination: 192.0.2.1
      udp_encap: {source_port: 4500, destination_port: 4501}
      algorithm: aes-256-gcm
      key: "hex:2122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f4041424344"
      esn: true
      replay_window: 2048
      selectors: {source: "fc00:2::/48", destination: "fc00:1::/48", protocol: ipv4}
    - name: out
      direction: out
      spi: 0x2001
      source: 192.0.2.1
      destination: 192.0.2.2
      algorithm: aes-128-gcm
      key: "hex:0102030405060708090a0b0c0d0e0f1011121314"
      selectors: {source: "fc00:1::/48", destination: "fc00:2::/48"}
    - name: second
      direction: in
      spi: 0x1001
      source: 192.0.2.3
      destination: 203.0.113.7
      algorithm: chacha20-poly1305
      key: "hex:5152535455565758292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f4041424344"
      replay_window: 0
      selectors: {source: "fc00:3::/48", destination: "fc00:1::/48"}
srv6:
  source: "fc00:1::1"
  local_sids:
    - {sid: "fc00:1::d4/128", behavior: End.DX4, next_hop: 10.1.0.2, port: lan}
    - {sid: "fc00:1:0:64::/64", behavior: End.DX4, next_hop: 10.1.0.9, port: lan, clear: true}
  policies:
    - {name: to-b, prefixes: [10.2.0.0/16], segments: ["fc00:2::d4"], mode: H.Encaps.Red}
routes:
  - {prefix: 0.0.0.0/0, next_hop: 192.0.2.254, port: wan}
  - {prefix: 10.5.0.0/16, next_hop: 192.0.2.77, port: wan}
bypass:
  - {source: 10.1.0.0/24, destination: 192.0.2.0/24, protocol: udp, source_ports: 1000-2000, destination_ports: 53}
  - {source: 192.0.2.0/24, destination: 10.1.0.0/24}
)";

constexpr PortId kWanPort{0};
constexpr PortId kLanPort{1};

class BuildTables : public testing::Test {
 protected:
  void SetUp() override {
    test::start_dataplane();
    const auto config = config::parse_text(kText, "c.yaml");
    ASSERT_TRUE(config) << to_string(config.error().front(), "c.yaml");
    auto tables = build_tables(*config, {{{2, 0, 0, 0, 0, 1}}, {{2, 0, 0, 0, 0, 2}}});
    ASSERT_TRUE(tables) << tables.error();
    tables_ = std::move(*tables);
  }

  static wire::Ipv4Address v4(const char* text) { return *wire::parse_ipv4(text); }
  static wire::Ipv6Address v6(const char* text) { return *wire::parse_ipv6(text); }

  std::optional<OwnKind> own(const char* text) const {
    const OwnAddress* mine = tables_->own4.find(v4(text));
    return mine == nullptr ? std::nullopt : std::optional(mine->kind);
  }
  Route route(const char* text) const {
    const wire::Ipv4Address destination = v4(text);
    Route found{};
    tables_->routes.find(&destination, &found, 1);
    return found;
  }
  // Where a route leads: the neighbor's address, "" for none.
  std::string next_hop(const char* text) const {
    const Route found = route(text);
    if (found.kind != RouteKind::adjacency) return "";
    return wire::to_string(tables_->adjacencies[AdjId<V4>(found.index)].address);
  }

  std::unique_ptr<Tables> tables_;
};

TEST_F(BuildTables, Ports) {
  ASSERT_EQ(tables_->ports.size(), 2u);
  EXPECT_EQ(tables_->ports[0].side, Side::unprotected_side);
  EXPECT_EQ(tables_->ports[1].side, Side::protected_side);
  EXPECT_EQ(tables_->ports[1].mac, (wire::MacAddress{{2, 0, 0, 0, 0, 2}}));
}

TEST_F(BuildTables, Duty62_OwnAndBroadcastAddresses) {
  EXPECT_EQ(own("192.0.2.1"), OwnKind::own);
  EXPECT_EQ(own("192.0.2.255"), OwnKind::broadcast);
  EXPECT_EQ(own("192.0.2.0"), OwnKind::broadcast) << "RFC 1812 section 4.2.3.1: the old form";
  EXPECT_EQ(own("10.1.0.0"), OwnKind::broadcast);
  EXPECT_EQ(own("192.0.2.2"), std::nullopt);
  EXPECT_EQ(own("10.1.0.1"), OwnKind::own);
  EXPECT_EQ(own("10.1.0.255"), OwnKind::broadcast);
  EXPECT_EQ(own("255.255.255.255"), OwnKind::broadcast);
  // RFC 3021: the other end of a /31 is a neighbor. A /32 has nobody else.
  EXPECT_EQ(own("198.51.100.0"), OwnKind::own);
  EXPECT_EQ(own("198.51.100.1"), std::nullopt);
  EXPECT_EQ(own("203.0.113.7"), OwnKind::own);
  const wire::Ipv6Address address = v6("fc00:1::1");
  EXPECT_NE(tables_->own6.find(address), nullptr);
  EXPECT_EQ(tables_->own6.find(v6("fc00:1::2")), nullptr);
}

TEST_F(BuildTables, OnlyInboundSasAreTheWorkersAndInTheirOrder) {
  ASSERT_EQ(tables_->sas.size(), 2u);
  const InboundSa& first = tables_->sas[0];
  EXPECT_EQ(first.key.algorithm(), AeadAlgorithm::aes_256_gcm);
  EXPECT_EQ(first.spi, 0x1001u);
  EXPECT_TRUE(first.esn);
  EXPECT_EQ(first.window.size(), 2048u);
  EXPECT_EQ(first.protocol, 4);
  EXPECT_EQ(first.destination, v4("192.0.2.1"));
  EXPECT_TRUE(first.selectors.match(v6("fc00:2::9").octets.data(), v6("fc00:1::d4").octets.data()));
  EXPECT_FALSE(first.selectors.match(v6("fc00:3::9").octets.data(), v6("fc00:1::d4").octets.data()));
  const InboundSa& second = tables_->sas[1];
  EXPECT_EQ(second.key.algorithm(), AeadAlgorithm::chacha20_poly1305);
  EXPECT_FALSE(second.esn);
  EXPECT_EQ(second.window.size(), 0u);
  EXPECT_EQ(second.protocol, kAnyProtocol);
}

TEST_F(BuildTables, AnSaIsFoundBySpiAndAddress) {
  const SpiEntry* first = tables_->spis.find({0x1001, v4("192.0.2.1")});
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(first->sa, SaId(0));
  EXPECT_EQ(first->udp_port, 4501);
  const SpiEntry* second = tables_->spis.find({0x1001, v4("203.0.113.7")});
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(second->sa, SaId(1));
  EXPECT_EQ(second->udp_port, 0) << "plain ESP";
  EXPECT_EQ(tables_->spis.find({0x1001, v4("198.51.100.0")}), nullptr);
  EXPECT_EQ(tables_->spis.find({0x2001, v4("192.0.2.2")}), nullptr) << "outbound";
  EXPECT_TRUE(tables_->esp_ports.contains(4501));
  EXPECT_FALSE(tables_->esp_ports.contains(4500));
  EXPECT_FALSE(tables_->esp_ports.contains(0));
}

TEST_F(BuildTables, SidsAndTheirCrossConnects) {
  const SidId exact = tables_->sids.find(v6("fc00:1::d4").octets.data());
  const SidId by_prefix = tables_->sids.find(v6("fc00:1:0:64:1:2:3:4").octets.data());
  ASSERT_EQ(exact, SidId(0));
  ASSERT_EQ(by_prefix, SidId(1));
  EXPECT_TRUE(tables_->sids.find(v6("fc00:1::d5").octets.data()).is_none());
  EXPECT_FALSE(tables_->sids[exact].takes_clear);
  EXPECT_TRUE(tables_->sids[by_prefix].takes_clear);

  const Adjacency& resolved = tables_->adjacencies[tables_->sids[exact].adj];
  EXPECT_TRUE(resolved.resolved);
  EXPECT_EQ(resolved.address, v4("10.1.0.2"));
  EXPECT_EQ(resolved.port, kLanPort);
  EXPECT_EQ(resolved.side, Side::protected_side);
  EXPECT_EQ(resolved.header, (EthernetHeader{2, 0, 0, 0, 2, 2, 2, 0, 0, 0, 0, 2, 0x08, 0x00}));
  const Adjacency& unresolved = tables_->adjacencies[tables_->sids[by_prefix].adj];
  EXPECT_FALSE(unresolved.resolved);
  EXPECT_EQ(unresolved.address, v4("10.1.0.9"));
}

TEST_F(BuildTables, Routes) {
  EXPECT_EQ(next_hop("10.1.0.2"), "10.1.0.2") << "a neighbor is a route of its own";
  EXPECT_EQ(next_hop("10.1.0.9"), "10.1.0.9");
  EXPECT_EQ(route("10.1.0.3").kind, RouteKind::connected);
  EXPECT_EQ(route("10.1.0.3").index, kLanPort.index());
  EXPECT_EQ(route("192.0.2.200").kind, RouteKind::connected);
  EXPECT_EQ(route("192.0.2.200").index, kWanPort.index());
  EXPECT_EQ(next_hop("192.0.2.254"), "192.0.2.254");
  EXPECT_EQ(next_hop("8.8.8.8"), "192.0.2.254");
  EXPECT_EQ(next_hop("10.5.1.1"), "192.0.2.77");
}

TEST_F(BuildTables, Duty26_APolicyIsARoute) {
  EXPECT_EQ(route("10.2.3.4").kind, RouteKind::policy);
  EXPECT_EQ(route("10.2.3.4").index, 0u);
  EXPECT_EQ(next_hop("10.3.0.0"), "192.0.2.254");
}

TEST_F(BuildTables, OneAdjacencyForEachNeighborAndPort) {
  // 10.1.0.2, 192.0.2.254, 10.1.0.9 of a SID, 192.0.2.77 of a route, the peer of the outbound SA.
  EXPECT_EQ(tables_->adjacencies.size(), 5u);
}

TEST_F(BuildTables, Bypass) {
  ASSERT_EQ(tables_->bypass.size(), 2u);
  const BypassRule& ports = tables_->bypass[0];
  EXPECT_EQ(ports.protocol, 17);
  EXPECT_EQ(ports.source_first, 1000);
  EXPECT_EQ(ports.source_last, 2000);
  EXPECT_EQ(ports.destination_first, 53);
  EXPECT_EQ(ports.destination_last, 53);
  EXPECT_EQ(tables_->bypass[1].protocol, -1);
  EXPECT_FALSE(tables_->bypass[1].names_ports());
}

// RFC 6864 section 4.3. Three SAs between two addresses, and two others that share nothing with them.
TEST(BuildTablesOf, Duty23_SasOfTwoAddressesTakeTurnsWithTheirIds) {
  test::start_dataplane();
  config::Config config;
  config.ports.push_back({.name = "wan", .addresses = {{{0xc0000201}, 24}}});
  for (std::uint32_t i = 0; i < 5; ++i) {
    config::SecurityAssociation sa;
    sa.direction = config::Direction::out;
    sa.source = {0xc0000201};
    sa.destination = {i == 1 ? 0xc0000203 : 0xc0000202};
    if (i == 3) sa.udp_encap = config::UdpEncap{};
    sa.key = config::Secret(secret::Octets(20, static_cast<std::uint8_t>(i)));
    config.security_associations.push_back(std::move(sa));
  }
  const auto tables = build_tables(config, {{}});
  ASSERT_TRUE(tables);
  const OutboundSaTable& sas = (*tables)->out_sas;
  EXPECT_EQ(sas[1].ip_id_step, 1);
  EXPECT_EQ(sas[3].ip_id_step, 1);
  // Turns stay apart when the 16 bits begin anew, as 4 divides 65536.
  std::set<int> turns;
  for (const std::size_t i : {0, 2, 4}) {
    EXPECT_EQ(sas[i].ip_id_step, 4);
    turns.insert(sas[i].ip_id % 4);
  }
  EXPECT_EQ(turns.size(), 3u);
}

TEST(BuildTablesOf, TheOuterHeadersAreTheConfigurations) {
  test::start_dataplane();
  std::string text(kText);
  const std::string sa = "selectors: {source: \"fc00:1::/48\", destination: \"fc00:2::/48\"}";
  text.insert(text.find(sa), "ttl: 9\n      dscp: 46\n      df: clear\n      ");
  text.insert(text.find("mode: H.Encaps.Red"), "hop_limit: 200, dscp: 10, ");
  const auto config = config::parse_text(text, "c.yaml");
  ASSERT_TRUE(config) << to_string(config.error().front(), "c.yaml");
  const auto tables = build_tables(*config, {{{2, 0, 0, 0, 0, 1}}, {{2, 0, 0, 0, 0, 2}}});
  ASSERT_TRUE(tables) << tables.error();
  const TunnelHeader& tunnel = (*tables)->out_sas.at(0).outer.tunnel();
  EXPECT_EQ(tunnel.ttl, 9);
  EXPECT_EQ(tunnel.dscp, 46);
  EXPECT_EQ(tunnel.df, DfMode::clear);
  const Policy& policy = (*tables)->policies[PolicyId(0)];
  EXPECT_EQ(policy.header()[7], 200);
  EXPECT_EQ(policy.dscp(), 10);
}

TEST(BuildTablesOf, AConnectedSubnetYieldsToARouteAndThatToAPolicy) {
  test::start_dataplane();
  auto config = config::parse_text(R"(
ports:
  lan: {device: net_null0, addresses: [10.1.0.1/24], side: protected}
srv6:
  source: "fc00:1::1"
  policies: [{name: p, prefixes: [10.3.0.0/16], segments: ["fc00:2::1"], mode: H.Encaps}]
)",
                                   "c.yaml");
  ASSERT_TRUE(config) << to_string(config.error().front(), "c.yaml");
  // A file cannot say this; should it ever come about, nothing leaves in clear for it.
  config->routes.push_back({.prefix = {{0x0a010000}, 24}, .next_hop = {0x0a010007}, .port = "lan", .mark = {}});
  config->routes.push_back({.prefix = {{0x0a030000}, 16}, .next_hop = {0x0a010007}, .port = "lan", .mark = {}});
  const auto tables = build_tables(*config, {{}});
  ASSERT_TRUE(tables);
  const wire::Ipv4Address destinations[] = {{0x0a010020}, {0x0a030001}, {0x0a010001}};
  Route routes[3];
  (*tables)->routes.find(destinations, routes, 3);
  EXPECT_EQ(routes[0].kind, RouteKind::adjacency);
  EXPECT_EQ(routes[1].kind, RouteKind::policy);
  EXPECT_EQ(routes[2].kind, RouteKind::adjacency);
}

}  // namespace
}  // namespace strata
