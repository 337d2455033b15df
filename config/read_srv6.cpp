#include <utility>

#include "config/mtu.hpp"
#include "config/sections.hpp"

namespace strata::config {
namespace {

void read_local_sids(Scene& scene, const Mapping& srv6) {
  FirstSeen<wire::Ipv6Prefix> seen;
  for (const LocalSid& sid : scene.config.local_sids) seen.add(sid.sid, sid.mark);
  srv6.for_each("local_sids", [&](const Mapping& mapping) {
    const auto sid = mapping.ipv6_prefix("sid");
    const auto behavior = mapping.choice("behavior");
    const auto port = scene.interfaces.find(scene.problems, mapping, "port");
    const auto next_hop = mapping.ipv4("next_hop");
    const auto clear = mapping.boolean("clear");
    if (sid) {
      const Value value = *mapping.value("sid");
      if (const auto first = seen.add(*sid, value.mark())) {
        scene.problems.refuse(value, "a local SID at " + at_line(*first) + " already; allowed: each SID once");
      }
    }
    if (!port || !next_hop) return;
    scene.interfaces.check_next_hop(scene.problems, *mapping.value("next_hop"), *port, *next_hop);
    if (!sid || !behavior || !clear) return;
    scene.config.local_sids.push_back({.sid = *sid,
                                       .behavior = Behavior::end_dx4,
                                       .next_hop = *next_hop,
                                       .port = scene.config.ports[*port].name,
                                       .clear = *clear,
                                       .mark = mapping.node().mark});
  });
}

void read_policies(Scene& scene, const Mapping& srv6) {
  FirstSeen<std::string> names;
  for (const Policy& policy : scene.config.policies) names.add(policy.name, policy.mark);
  srv6.for_each("policies", [&](const Mapping& mapping) {
    Policy policy;
    policy.mark = mapping.node().mark;
    if (const auto name = mapping.text("name")) {
      policy.name = *name;
      const Value value = *mapping.value("name");
      if (const auto first = names.add(*name, value.mark())) {
        scene.problems.refuse(value,
                              "the name of the policy at " + at_line(*first) + " already; allowed: each name once");
      }
    }
    for (const Value& value : mapping.entries("prefixes")) {
      const auto prefix = read_ipv4_prefix(scene.problems, value);
      if (!prefix) continue;
      claim(scene, value, *prefix, "policy '" + policy.name + "'");
      policy.prefixes.push_back(*prefix);
    }
    for (const Value& value : mapping.entries("segments")) {
      if (const auto segment = read_ipv6(scene.problems, value)) policy.segments.push_back(*segment);
    }
    policy.mode = mapping.choice("mode") == std::size_t{0} ? EncapMode::encaps : EncapMode::encaps_red;
    read_number(mapping, "hop_limit", policy.hop_limit);
    policy.dscp = mapping.dscp("dscp");
    policy.mss_clamp = mapping.boolean("mss_clamp").value_or(false);
    scene.config.policies.push_back(std::move(policy));
  });
}

}  // namespace

void read_srv6(Scene& scene, const Mapping& root) {
  const std::optional<Mapping> srv6 = root.mapping("srv6");
  if (!srv6) return;
  const bool says_source = srv6->takes("source") && srv6->has("source");
  if (says_source) scene.config.srv6_source = srv6->ipv6("source");
  read_local_sids(scene, *srv6);
  read_policies(scene, *srv6);
  if (!scene.config.policies.empty() && !says_source && !scene.config.srv6_source) {
    const Path path{.parent = &srv6->path(), .key = "source"};
    scene.problems.add({.mark = srv6->value("policies")->mark(),
                        .field = to_string(path),
                        .found = "nothing",
                        .message = "must be said when there are policies; allowed: an IPv6 address"});
  }
}

void check_inner_mtus(Scene& scene) {
  if (scene.config.policies.empty()) return;
  const Steering steering(scene.config);
  for (std::size_t i = 0; i < scene.config.policies.size(); ++i) {
    const Policy& policy = scene.config.policies[i];
    const std::optional<InnerMtu> mtu = inner_mtu(steering, policy);
    if (!mtu || mtu->inner >= kLeastInnerMtu) continue;
    scene.problems.add({.mark = policy.mark,
                        .field = "srv6.policies[" + std::to_string(i) + "]",
                        .found = "for policy '" + policy.name + "' the MTU " + to_string(*mtu),
                        .message = "less than every host takes (RFC 791 section 3.1); allowed: at least " +
                                   std::to_string(kLeastInnerMtu) + ", by a larger mtu of port '" + mtu->port +
                                   "' or fewer segments"});
  }
}

}  // namespace strata::config
