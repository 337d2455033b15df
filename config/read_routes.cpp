#include <algorithm>
#include <array>
#include <utility>

#include "config/sections.hpp"

namespace strata::config {
namespace {

constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kUdp = 17;

void check_ports(Scene& scene, const Mapping& mapping, std::string_view key, std::optional<std::uint8_t> protocol) {
  const std::optional<Value> value = mapping.value(key);
  if (!value || protocol == kTcp || protocol == kUdp) return;
  scene.problems.refuse(*value, "ports without a protocol that has them; allowed: only with protocol tcp or udp");
}

// RFC 1812 section 5.3.7, RFC 3927 section 7: a router forwards nothing to these. The last is 224/4 and 240/4 in one.
constexpr std::array<wire::Ipv4Prefix, 4> kNeverForwarded{{
    {{0x00000000}, 8},
    {{0x7f000000}, 8},
    {{0xa9fe0000}, 16},
    {{0xe0000000}, 3},
}};

// A prefix that only covers some, as 0.0.0.0/0 does, is a good one.
bool is_never_forwarded(const wire::Ipv4Prefix& prefix) {
  return std::any_of(kNeverForwarded.begin(), kNeverForwarded.end(), [&prefix](const wire::Ipv4Prefix& p) {
    return prefix.length >= p.length && wire::contains(p, prefix.address);
  });
}

}  // namespace

std::unordered_map<wire::Ipv4Prefix, Claim, HashOfPrefix> claims_of(const Config& config) {
  std::unordered_map<wire::Ipv4Prefix, Claim, HashOfPrefix> claims;
  for (const Route& route : config.routes) claims.try_emplace(route.prefix, Claim{.what = "route", .mark = route.mark});
  for (const Policy& policy : config.policies)
    for (const wire::Ipv4Prefix& prefix : policy.prefixes)
      claims.try_emplace(prefix, Claim{.what = "policy '" + policy.name + "'", .mark = policy.mark});
  return claims;
}

void claim(Scene& scene, const Value& value, const wire::Ipv4Prefix& prefix, std::string what) {
  if (is_never_forwarded(prefix)) {
    scene.problems.refuse(value, "never forwarded; allowed: not inside 0/8, 127/8, 169.254/16, 224/4, 240/4");
    return;
  }
  if (const std::string* const port = scene.interfaces.connected(prefix)) {
    scene.problems.refuse(value, "the subnet of port '" + *port + "', which needs no route; allowed: another prefix");
    return;
  }
  const auto [it, is_new] = scene.claims.try_emplace(prefix, Claim{.what = std::move(what), .mark = value.mark()});
  if (is_new) return;
  scene.problems.refuse(value, "taken by the " + it->second.what + " at " + at_line(it->second.mark) +
                                   "; allowed: each prefix once, over all routes and policies");
}

void read_routes(Scene& scene, const Mapping& root) {
  root.for_each("routes", [&scene](const Mapping& mapping) {
    const auto prefix = mapping.ipv4_prefix("prefix");
    const auto port = scene.interfaces.find(scene.problems, mapping, "port");
    const auto next_hop = mapping.ipv4("next_hop");
    if (prefix) claim(scene, *mapping.value("prefix"), *prefix, "route");
    if (!port || !next_hop) return;
    scene.interfaces.check_next_hop(scene.problems, *mapping.value("next_hop"), *port, *next_hop);
    if (!prefix) return;
    scene.config.routes.push_back({.prefix = *prefix,
                                   .next_hop = *next_hop,
                                   .port = scene.config.ports[*port].name,
                                   .mark = mapping.node().mark});
  });
}

void read_bypass(Scene& scene, const Mapping& root) {
  root.for_each("bypass", [&scene](const Mapping& mapping) {
    const auto source = mapping.ipv4_prefix("source");
    const auto destination = mapping.ipv4_prefix("destination");
    const auto protocol = mapping.protocol("protocol");
    Bypass rule;
    rule.protocol = protocol;
    rule.source_ports = mapping.port_range("source_ports");
    rule.destination_ports = mapping.port_range("destination_ports");
    rule.mark = mapping.node().mark;
    if (protocol || !mapping.has("protocol")) {  // a protocol that was not understood is one mistake, not three
      check_ports(scene, mapping, "source_ports", protocol);
      check_ports(scene, mapping, "destination_ports", protocol);
    }
    if (!source || !destination) return;
    rule.source = *source;
    rule.destination = *destination;
    scene.config.bypass.push_back(rule);
  });
}

}  // namespace strata::config
