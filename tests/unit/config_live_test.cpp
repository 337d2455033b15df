// How the gateway runs, and what its outer headers say: every key, every default, every limit, every mistake.
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "config/describe.hpp"
#include "config/socket_path.hpp"
#include "tests/unit/config_sample.hpp"

namespace strata::config {
namespace {

Config live(std::string_view from, std::string_view to) { return parsed(changed(from, to, kLiveSample)); }

TEST(ConfigLive, PortsAreWhatTheFileSays) {
  const Config c = parsed(std::string(kLiveSample));
  ASSERT_EQ(c.ports.size(), 2U);
  EXPECT_EQ(c.ports[0].mtu, 9000);
  EXPECT_EQ(c.ports[0].queues, 4);
  EXPECT_EQ(c.ports[0].rx_descriptors, 2048);
  EXPECT_EQ(c.ports[0].tx_descriptors, 512);
  EXPECT_TRUE(c.ports[0].promiscuous);
  EXPECT_FALSE(c.ports[0].offloads);
  EXPECT_FALSE(c.ports[0].host);
  EXPECT_EQ(c.ports[1].mtu, 1400);
  EXPECT_TRUE(c.ports[1].host);
  EXPECT_TRUE(c.ports[1].addresses.empty());
}

TEST(ConfigLive, ArpIcmpReassemblyWorkersAndEalAreWhatTheFileSays) {
  const Config c = parsed(std::string(kLiveSample));
  EXPECT_FALSE(c.arp.enabled);
  EXPECT_EQ(c.arp.hold, 8U);
  EXPECT_EQ(c.arp.tries, 5U);
  EXPECT_EQ(c.arp.interval_ms, 500U);
  EXPECT_EQ(c.arp.reachable_s, 30U);
  EXPECT_EQ(c.arp.neighbors, 128U);
  EXPECT_EQ(c.icmp.errors_per_second, 100U);
  EXPECT_EQ(c.icmp.burst, 10U);
  EXPECT_FALSE(c.icmp.echo);
  EXPECT_FALSE(c.icmp.path_mtu);
  EXPECT_FALSE(c.reassembly.enabled);
  EXPECT_EQ(c.reassembly.packets, 64U);
  EXPECT_EQ(c.reassembly.timeout_ms, 1000U);
  EXPECT_EQ(c.eal.hugepages, Hugepages::required);
  EXPECT_EQ(live("hugepages: required", "hugepages: never").eal.hugepages, Hugepages::never);
  EXPECT_EQ(live("hugepages: required", "hugepages: auto").eal.hugepages, Hugepages::automatic);
  EXPECT_EQ(c.eal.memory, 1024U);
  EXPECT_EQ(c.workers.cpus, (std::vector<std::uint32_t>{3, 5}));
  EXPECT_EQ(c.workers.count, 2U);
  EXPECT_TRUE(c.state.unsafe_lab_without_state);
  EXPECT_TRUE(c.workers.rebalance);
  EXPECT_EQ(live("cpus: [3, 5]\n  count: 2", "count: 4").workers.count, 4U);
  EXPECT_EQ(c.eal.arguments, (std::vector<std::string>{"--log-level", "pmd.net.*:debug"}));
  EXPECT_EQ(c.name, "gateway-a");
  EXPECT_TRUE(c.control.enabled);
  EXPECT_FALSE(live("  enabled: true\n  socket", "  enabled: false\n  socket").control.enabled);
  EXPECT_EQ(c.control.payload_group, "operators");
  EXPECT_EQ(live("  payload_group: operators\n", "").control.payload_group, "");
  EXPECT_EQ(c.control.change_group, "keyers");
  EXPECT_EQ(live("  change_group: keyers\n", "").control.change_group, "");
  EXPECT_EQ(socket_path(c), "/run/gateways/a.sock");
  EXPECT_EQ(socket_path(live("  socket: /run/gateways/a.sock\n", "")), "/run/strata/gateway-a.sock");
  EXPECT_EQ(socket_path(live("name: gateway-a\ncontrol:\n  enabled: true\n  socket: /run/gateways/a.sock\n  "
                             "payload_group: operators\n  change_group: keyers\n",
                             "")),
            "/run/strata/strata.sock");
}

TEST(ConfigLive, MetricsAreWhatTheFileSays) {
  const Config c = parsed(std::string(kLiveSample));
  EXPECT_TRUE(c.metrics.http && c.metrics.http_is_wished && c.metrics.telemetry);
  EXPECT_EQ(c.metrics.address, "::1");
  EXPECT_EQ(c.metrics.port, 9000);
  EXPECT_EQ(c.metrics.entries, 5U);
  EXPECT_FALSE(live("http: true", "http: false").metrics.http);
  constexpr const char* kAll = "  http: true\n  address: \"::1\"\n  port: 9000\n";
  const Metrics unsaid = live(kAll, "").metrics;
  EXPECT_TRUE(unsaid.http && !unsaid.http_is_wished);
  EXPECT_EQ(unsaid.address, "127.0.0.1");
  EXPECT_EQ(unsaid.port, 14500);
  for (const char* said : {"  http: true\n", "  address: 192.0.2.1\n", "  port: 1\n"})
    EXPECT_TRUE(live(kAll, said).metrics.http_is_wished) << said;
}

TEST(ConfigLive, TheOuterHeadersAreWhatTheFileSays) {
  const Config c = parsed(std::string(kLiveSample));
  const SecurityAssociation& sa = c.security_associations.at(0);
  EXPECT_EQ(sa.ttl, 32);
  EXPECT_EQ(sa.dscp, 46);
  EXPECT_EQ(sa.df, DfMode::copy);
  EXPECT_EQ(sa.lifetime.soft.seconds, 80u);
  EXPECT_EQ(sa.lifetime.soft.bytes, 8000u);
  EXPECT_EQ(sa.lifetime.soft.packets, 800u);
  EXPECT_EQ(sa.lifetime.hard.seconds, 90u);
  EXPECT_EQ(sa.lifetime.hard.bytes, 9000u);
  EXPECT_EQ(sa.lifetime.hard.packets, 900u);
  EXPECT_EQ(live("df: copy", "df: set").security_associations.at(0).df, DfMode::set);
  EXPECT_EQ(live("df: copy", "df: clear").security_associations.at(0).df, DfMode::clear);
  EXPECT_EQ(live("dscp: 46", "dscp: copy").security_associations.at(0).dscp, std::nullopt);
  EXPECT_EQ(live("dscp: 46", "dscp: 0").security_associations.at(0).dscp, 0);
  const Policy& policy = c.policies.at(0);
  EXPECT_EQ(policy.hop_limit, 128);
  EXPECT_EQ(policy.dscp, 10);
  EXPECT_TRUE(policy.mss_clamp);
  EXPECT_EQ(live("dscp: 10", "dscp: copy").policies.at(0).dscp, std::nullopt);
}

TEST(ConfigLive, Defaults) {
  const Config c = parsed(std::string(kSample));
  const Port& port = c.ports.at(0);
  EXPECT_EQ(port.mtu, 1500);
  EXPECT_EQ(port.queues, 1);
  EXPECT_EQ(port.rx_descriptors, 1024);
  EXPECT_EQ(port.tx_descriptors, 1024);
  EXPECT_FALSE(port.promiscuous);
  EXPECT_TRUE(port.offloads);
  EXPECT_FALSE(port.host);
  const SecurityAssociation& sa = c.security_associations.at(1);
  EXPECT_EQ(sa.ttl, 64);
  EXPECT_EQ(sa.dscp, std::nullopt);
  EXPECT_EQ(sa.df, DfMode::set);
  EXPECT_FALSE(sa.lifetime.soft.packets || sa.lifetime.hard.seconds);
  EXPECT_EQ(c.policies.at(0).hop_limit, 64);
  EXPECT_EQ(c.policies.at(0).dscp, std::nullopt);
  EXPECT_FALSE(c.policies.at(0).mss_clamp);
  EXPECT_TRUE(c.arp.enabled);
  EXPECT_EQ(c.arp.hold, 16U);
  EXPECT_EQ(c.arp.tries, 3U);
  EXPECT_EQ(c.arp.interval_ms, 1000U);
  EXPECT_EQ(c.arp.reachable_s, 60U);
  EXPECT_EQ(c.arp.neighbors, 4096U);
  EXPECT_EQ(c.icmp.errors_per_second, 1000U);
  EXPECT_EQ(c.icmp.burst, 50U);
  EXPECT_TRUE(c.icmp.echo);
  EXPECT_TRUE(c.icmp.path_mtu);
  EXPECT_TRUE(c.reassembly.enabled);
  EXPECT_EQ(c.reassembly.packets, 1024U);
  EXPECT_EQ(c.reassembly.timeout_ms, 2000U);
  EXPECT_EQ(c.eal.hugepages, Hugepages::automatic);
  EXPECT_EQ(c.eal.memory, 512U);
  EXPECT_EQ(c.workers.count, 1U);
  EXPECT_FALSE(c.state.unsafe_lab_without_state);
  EXPECT_TRUE(c.workers.cpus.empty());
  EXPECT_FALSE(c.workers.rebalance);
  EXPECT_TRUE(c.eal.arguments.empty());
}

// The defaults stand in the schema, for what is left out of a section, and in the Config, for sections left out.
TEST(ConfigLive, AnEmptySectionIsNoSection) {
  EXPECT_EQ(
      describe_json(parsed("ports: {a: {device: x}}")),
      describe_json(parsed("ports: {a: {device: x, descriptors: {}}}\narp: {}\nicmp: {}\nreassembly: {}\neal: {}\n")));
}

struct Limits {
  std::string_view line;  // in the sample
  std::uint64_t min;
  std::uint64_t max;
};

TEST(ConfigLive, TheLimitsAreInsideAndWhatIsBeyondIsRefused) {
  const Limits kLimits[] = {
      {"mtu: 1400", 576, 65385},
      {"queues: 4", 1, 16},
      {"rx: 2048", 32, 32768},
      {"tx: 512", 32, 32768},
      {"ttl: 32", 1, 255},
      {"hop_limit: 128", 1, 255},
      {"dscp: 46", 0, 63},
      {"dscp: 10", 0, 63},
      {"hold: 8", 1, 64},
      {"tries: 5", 1, 10},
      {"interval_ms: 500", 100, 60000},
      {"reachable_s: 30", 5, 86400},
      {"neighbors: 128", 16, 65536},
      {"errors_per_second: 100", 0, 1000000},
      {"burst: 10", 1, 10000},
      {"packets: 64", 16, 65536},
      {"timeout_ms: 1000", 100, 60000},
      {"memory: 1024", 64, 1048576},
  };
  for (const Limits& limits : kLimits) {
    const std::string key(limits.line.substr(0, limits.line.find(':') + 2));
    const auto with = [&](const std::string& value) {
      return mistakes_in(changed(limits.line, key + value, kLiveSample));
    };
    const std::string allowed = std::to_string(limits.min) + ".." + std::to_string(limits.max);
    EXPECT_EQ(with(std::to_string(limits.min)), "") << key;
    EXPECT_EQ(with(std::to_string(limits.max)), "") << key;
    for (const std::string& wrong :
         {std::to_string(limits.max + 1), limits.min == 0 ? "-1" : std::to_string(limits.min - 1), std::string("1.5"),
          std::string("many")}) {
      EXPECT_NE(with(wrong).find(": found " + wrong + "; allowed: "), std::string::npos) << key << with(wrong);
      EXPECT_NE(with(wrong).find(allowed), std::string::npos) << key << with(wrong);
    }
  }
}

struct Mistake {
  std::string_view name;
  std::string_view from;  // in the sample
  std::string_view to;
  std::string_view error;  // the whole error after "c.yaml:"
  std::string_view sample = kLiveSample;
};

void PrintTo(const Mistake& m, std::ostream* out) { *out << m.name; }

class LiveMistake : public testing::TestWithParam<Mistake> {};

TEST_P(LiveMistake, IsTheOnlyOneReported) {
  const Mistake& m = GetParam();
  EXPECT_EQ(mistakes_in(changed(m.from, m.to, m.sample)), "c.yaml:" + std::string(m.error) + "\n");
}

// clang-format off
const Mistake kMistakes[] = {
    {"host_twice", "  tap:\n", "  first:\n    device: x\n    host: true\n  tap:\n",
     "19:11: ports.tap.host: found true; port 'first' (line 13) leads to this machine already; allowed: true on one port"},
    {"host_with_addresses", "    host: true\n", "    host: true\n    addresses: [10.1.0.1/24]\n",
     "17:16: ports.tap.addresses: found a list; the port has host: true; allowed: leave this key out"},
    {"host_with_a_side", "    host: true\n", "    host: true\n    side: protected\n",
     "17:11: ports.tap.side: found protected; the port has host: true; allowed: leave this key out"},
    {"host_has_a_neighbor", "arp:\n", "neighbors: [{port: tap, address: 192.0.2.9, mac: \"02:00:00:00:00:09\"}]\narp:\n",
     "48:20: neighbors[0].port: found tap; it leads to this machine's own kernel (host: true); allowed: wan"},
    {"host_has_a_sid", "  policies:\n", "  local_sids: [{sid: \"fc00:1::d4\", behavior: End.DX4, next_hop: 192.0.2.9, port: tap}]\n  policies:\n",
     "41:82: srv6.local_sids[0].port: found tap; it leads to this machine's own kernel (host: true); allowed: wan"},
    {"host_has_a_route", "arp:\n", "routes: [{prefix: 0.0.0.0/0, next_hop: 192.0.2.9, port: tap}]\narp:\n",
     "48:57: routes[0].port: found tap; it leads to this machine's own kernel (host: true); allowed: wan"},
    {"host_is_no_suggestion", "arp:\n", "routes: [{prefix: 0.0.0.0/0, next_hop: 192.0.2.9, port: tab}]\narp:\n",
     "48:57: routes[0].port: found tab; no port has this name; allowed: wan"},
    {"host_is_not_yes", "host: true", "host: yes",
     "16:11: ports.tap.host: found yes; allowed: true, false (true on one port at the most)"},
    {"descriptors_are_a_mapping", "    descriptors:\n      rx: 2048\n      tx: 512\n", "    descriptors: 2048\n",
     "8:18: ports.wan.descriptors: found 2048; allowed: a mapping with rx, tx"},
    {"ttl_of_an_inbound_sa", "      esn: true\n", "      esn: true\n      ttl: 64\n",
     "28:12: ipsec.security_associations[0].ttl: found 64; an inbound SA makes no header; allowed: only with direction: out", kSample},
    {"dscp_of_an_inbound_sa", "      esn: true\n", "      esn: true\n      dscp: copy\n",
     "28:13: ipsec.security_associations[0].dscp: found copy; an inbound SA makes no header; allowed: only with direction: out", kSample},
    {"df_of_an_inbound_sa", "      esn: true\n", "      esn: true\n      df: set\n",
     "28:11: ipsec.security_associations[0].df: found set; an inbound SA makes no header; allowed: only with direction: out", kSample},
    {"soft_bytes_are_the_hard_ones", "bytes: 8000", "bytes: 9000",
     "33:18: ipsec.security_associations[0].lifetime.soft.bytes: found 9000; the hard one is 9000; allowed: less than that"},
    {"soft_seconds_are_more", "seconds: 80", "seconds: 91",
     "32:20: ipsec.security_associations[0].lifetime.soft.seconds: found 91; the hard one is 90; allowed: less than that"},
    {"soft_packets_are_more", "packets: 800", "packets: 901",
     "34:20: ipsec.security_associations[0].lifetime.soft.packets: found 901; the hard one is 900; allowed: less than that"},
    {"no_packets_at_all", "packets: 800", "packets: 0",
     "34:20: ipsec.security_associations[0].lifetime.soft.packets: found 0; allowed: 1..9007199254740991"},
    {"df_unknown", "df: copy", "df: cpoy",
     "29:11: ipsec.security_associations[0].df: found cpoy; did you mean 'copy'? allowed: set, clear, copy (only with direction: out)"},
    {"dscp_unknown", "dscp: 10", "dscp: af11",
     "46:13: srv6.policies[0].dscp: found af11; allowed: copy, or 0..63"},
    {"hugepages_unknown", "hugepages: required", "hugepages: always",
     "71:14: eal.hugepages: found always; allowed: auto, never, required"},
    {"state_and_no_state", "unsafe_lab", "directory: here\n  unsafe_lab",
     "66:29: state.unsafe_lab_without_state: found true; `directory` says where the state is kept; allowed: one of the two keys"},
    {"state_directory_empty", "unsafe_lab_without_state: true", "directory: \"\"",
     "65:14: state.directory: found an empty text; allowed: a text"},
    {"workers_cpu_unknown", "cpus: [3, 5]", "cpus: [3, x]",
     "67:13: workers.cpus[1]: found x; allowed: 0..1023"},
    {"workers_cpu_too_large", "cpus: [3, 5]", "cpus: [3, 1024]",
     "67:13: workers.cpus[1]: found 1024; allowed: 0..1023"},
    {"workers_cpu_twice", "cpus: [3, 5]", "cpus: [3, 3]",
     "67:13: workers.cpus[1]: found 3; it is in the list already; allowed: each CPU once"},
    {"workers_none", "cpus: [3, 5]", "cpus: []",
     "67:9: workers.cpus: found 0 entries; allowed: 1 to 64"},
    {"workers_count_and_cpus", "count: 2", "count: 3",
     "68:10: workers.count: found 3; `cpus` lists 2; allowed: as many, or nothing"},
    {"workers_cpus_is_a_number", "cpus: [3, 5]", "cpus: 2",
     "67:9: workers.cpus: found 2; allowed: a list of: 0..1023; 1 to 64 of them"},
    {"eal_argument_empty", "--log-level", "\"\"",
     "73:15: eal.arguments[0]: found an empty text; allowed: a text"},
    {"eal_argument_is_no_list", "[--log-level, \"pmd.net.*:debug\"]", "--no-huge",
     "73:14: eal.arguments: found --no-huge; allowed: a list of: a text"},
    {"eal_argument_with_nul", "--log-level", "\"a\\0b\"",
     "73:15: eal.arguments[0]: found \"a\\x00b\"; a control character in it; allowed: a text"},
    {"eal_argument_is_a_key", "--log-level", "\"hex:0102030405060708090a0b0c0d0e0f1011121314\"",
     "73:15: eal.arguments[0]: found (not shown); it looks like a key; allowed: a text"},
    {"name_with_a_slash", "name: gateway-a", "name: gateway/a",
     "74:7: name: found gateway/a; allowed: a name without /, and without . at its beginning"},
    {"name_that_begins_with_a_dot", "name: gateway-a", "name: ..",
     "74:7: name: found ..; allowed: a name without /, and without . at its beginning"},
    {"socket_that_is_relative", "socket: /run/gateways/a.sock", "socket: a.sock",
     "77:11: control.socket: found a.sock; allowed: an absolute path of at most 107 octets"},
    {"payload_group_empty", "payload_group: operators", "payload_group: \"\"",
     "78:18: control.payload_group: found an empty text; allowed: a text (the name or the number of a group of this machine)"},
    {"change_group_empty", "change_group: keyers", "change_group: \"\"",
     "79:17: control.change_group: found an empty text; allowed: a text (the name or the number of a group of this machine)"},
    {"metrics_at_a_name", "address: \"::1\"", "address: localhost",
     "82:12: metrics.address: found localhost; allowed: an IPv4 or IPv6 address"},
    {"mtu_too_small_for_the_policy", "mtu: 9000", "mtu: 671",
     "42:7: srv6.policies[0]: found for policy 'to-b' the MTU 574 = 671 (wan) - 20 IPv4 - 0 UDP - 8 ESP - 8 IV - 16 ICV - 5 trailer and padding - 40 IPv6 - 0 SRH; "
     "less than every host takes (RFC 791 section 3.1); allowed: at least 576, by a larger mtu of port 'wan' or fewer segments"},
};
// clang-format on

INSTANTIATE_TEST_SUITE_P(Config, LiveMistake, testing::ValuesIn(kMistakes),
                         [](const auto& of) { return std::string(of.param.name); });

TEST(ConfigLive, AnMtuThatLeavesJustEnoughIsTaken) {
  EXPECT_EQ(mistakes_in(changed("mtu: 9000", "mtu: 672", kLiveSample)), "");
  // Where nothing is sealed there is nothing to reckon.
  EXPECT_EQ(
      mistakes_in(changed("mtu: 9000", "mtu: 576", changed("segments: [\"fc00:2", "segments: [\"fc00:3", kLiveSample))),
      "");
}

TEST(ConfigLive, TheStateIsKeptWhereTheFileSays) {
  EXPECT_EQ(parsed(std::string(kSample)).state.directory, "/var/lib/strata/a");
  EXPECT_EQ(parsed("ports: {a: {device: x}}").state.directory, "/var/lib/strata");
  const auto config = parse_text("ports: {a: {device: x}}\nstate: {directory: here}\n", "/etc/strata/a.yaml");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->state.directory, "/etc/strata/here");
}

TEST(ConfigLive, OneWorkerToSixtyFour) {
  const auto with = [](std::string_view count) {
    return mistakes_in(changed("cpus: [3, 5]\n  count: 2", count, kLiveSample));
  };
  EXPECT_EQ(with("count: 1"), "");
  EXPECT_EQ(with("count: 64"), "");
  for (const std::string wrong : {"0", "65", "many"})
    EXPECT_EQ(with("count: " + wrong), "c.yaml:67:10: workers.count: found " + wrong + "; allowed: 1..64\n");
}

TEST(ConfigLive, ASocketsPathFitsItsAddress) {
  const auto with = [](std::size_t length) {
    return mistakes_in(changed("/run/gateways/a.sock", "/" + std::string(length - 1, 's'), kLiveSample));
  };
  EXPECT_EQ(with(107), "");
  EXPECT_NE(with(108).find("allowed: an absolute path of at most 107 octets"), std::string::npos);
}

TEST(ConfigLive, SixtyFourEalArgumentsAndNoMore) {
  const auto with = [](int count) {
    std::string text = "ports: {a: {device: x}}\neal: {arguments: [";
    for (int i = 0; i < count; ++i) text += (i == 0 ? "a" : ", a");
    return mistakes_in(text + "]}\n");
  };
  EXPECT_EQ(with(64), "");
  EXPECT_EQ(with(65), "c.yaml:2:18: eal.arguments: found 65 entries; allowed: 0 to 64\n");
}

}  // namespace
}  // namespace strata::config
