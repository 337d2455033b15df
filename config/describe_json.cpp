#include "config/describe.hpp"
#include "config/memory.hpp"
#include "config/mtu.hpp"
#include "config/socket_path.hpp"

namespace strata::config {
namespace {

using nlohmann::json;

json prefix_list(const std::vector<wire::Ipv4Prefix>& v4, const std::vector<wire::Ipv6Prefix>& v6) {
  json out = json::array();
  for (const auto& p : v4) out.push_back(wire::to_string(p));
  for (const auto& p : v6) out.push_back(wire::to_string(p));
  return out;
}

json protocol_json(const std::optional<std::uint8_t>& protocol) { return protocol ? json(*protocol) : json(nullptr); }

json dscp_json(const std::optional<std::uint8_t>& dscp) { return dscp ? json(*dscp) : json("copy"); }

json to_json(const Limits& limits) {
  const auto number = [](const std::optional<std::uint64_t>& limit) { return limit ? json(*limit) : json(nullptr); };
  return {{"seconds", number(limits.seconds)}, {"bytes", number(limits.bytes)}, {"packets", number(limits.packets)}};
}

template <class Entry>
json list_json(const std::vector<Entry>& entries) {
  json out = json::array();
  for (const Entry& entry : entries) out.push_back(describe_json(entry));
  return out;
}

json srv6_json(const Config& config) {
  json sids = json::array();
  for (const LocalSid& sid : config.local_sids) sids.push_back(describe_json(sid));
  json policies = json::array();
  const Steering steering(config);
  for (const Policy& policy : config.policies) {
    const std::optional<InnerMtu> mtu = inner_mtu(steering, policy);
    policies.push_back(describe_json(policy));
    policies.back()["mtu"] = mtu ? describe_json(*mtu) : json(nullptr);
  }
  return {{"source", config.srv6_source ? json(wire::to_string(*config.srv6_source)) : json(nullptr)},
          {"local_sids", sids},
          {"policies", policies}};
}

json range_json(const std::optional<PortRange>& range) {
  return range ? json(std::to_string(range->first) + "-" + std::to_string(range->last)) : json(nullptr);
}

json eal_json(const Eal& eal) {
  return {{"hugepages", to_string(eal.hugepages)}, {"memory", eal.memory}, {"arguments", eal.arguments}};
}

// In octets, but for what eal.memory counts.
json memory_json(const Config& config) {
  const MemoryNeed need = memory_need(config);
  return {{"eal_mib", need.eal_mib()},
          {"routes", need.routes},
          {"neighbors", need.neighbors},
          {"packets", need.reassembly + need.buffers + need.rings},
          {"tables", need.tables}};
}

json arp_json(const Arp& arp) {
  return {{"enabled", arp.enabled},
          {"hold", arp.hold},
          {"tries", arp.tries},
          {"interval_ms", arp.interval_ms},
          {"reachable_s", arp.reachable_s},
          {"neighbors", arp.neighbors}};
}

json state_json(const State& state) {
  return {{"directory", state.unsafe_lab_without_state ? json(nullptr) : json(state.directory)},
          {"unsafe_lab_without_state", state.unsafe_lab_without_state}};
}

json group_json(const std::string& group) { return group.empty() ? json(nullptr) : json(group); }

json metrics_json(const Metrics& metrics) {
  return {{"http", metrics.http},
          {"address", metrics.address},
          {"port", metrics.port},
          {"entries", metrics.entries},
          {"telemetry", metrics.telemetry}};
}

}  // namespace

json describe_json(const InnerMtu& mtu) {
  return {{"inner", mtu.inner}, {"port", mtu.port}, {"port_mtu", mtu.port_mtu},
          {"ipv4", mtu.ipv4},   {"udp", mtu.udp},   {"esp", mtu.esp},
          {"iv", mtu.iv},       {"icv", mtu.icv},   {"trailer", mtu.trailer},
          {"ipv6", mtu.ipv6},   {"srh", mtu.srh}};
}

json describe_json(const LocalSid& sid) {
  return {{"sid", wire::to_string(sid.sid)},
          {"behavior", to_string(sid.behavior)},
          {"next_hop", wire::to_string(sid.next_hop)},
          {"port", sid.port},
          {"clear", sid.clear}};
}

json describe_json(const Port& port) {
  return {{"device", port.device},
          {"mac", port.mac ? json(wire::to_string(*port.mac)) : json(nullptr)},
          {"addresses", prefix_list(port.addresses, port.addresses6)},
          {"side", port.host ? json(nullptr) : json(to_string(port.side))},
          {"mtu", port.mtu},
          {"queues", port.queues},
          {"descriptors", {{"rx", port.rx_descriptors}, {"tx", port.tx_descriptors}}},
          {"promiscuous", port.promiscuous},
          {"offloads", port.offloads},
          {"host", port.host}};
}

json describe_json(const SecurityAssociation& sa) {
  json out{{"name", sa.name},
           {"direction", to_string(sa.direction)},
           {"spi", sa.spi},
           {"source", wire::to_string(sa.source)},
           {"destination", wire::to_string(sa.destination)},
           {"udp_encap", nullptr},
           {"algorithm", to_string(sa.algorithm)},
           {"esn", sa.esn},
           {"replay_window", sa.replay_window},
           {"selectors",
            {{"source", wire::to_string(sa.selectors.source)},
             {"destination", wire::to_string(sa.selectors.destination)},
             {"protocol", protocol_json(sa.selectors.protocol)}}}};
  out["lifetime"] = {{"soft", to_json(sa.lifetime.soft)}, {"hard", to_json(sa.lifetime.hard)}};
  const bool seals = sa.direction == Direction::out;  // an inbound SA makes no header
  out["ttl"] = seals ? json(sa.ttl) : json(nullptr);
  out["dscp"] = seals ? dscp_json(sa.dscp) : json(nullptr);
  out["df"] = seals ? json(to_string(sa.df)) : json(nullptr);
  if (sa.udp_encap) {
    out["udp_encap"] = {{"source_port", sa.udp_encap->source_port},
                        {"destination_port", sa.udp_encap->destination_port}};
  }
  return out;
}

json describe_json(const Policy& policy) {
  json segments = json::array();
  for (const auto& segment : policy.segments) segments.push_back(wire::to_string(segment));
  return {{"name", policy.name},           {"prefixes", prefix_list(policy.prefixes, {})},
          {"segments", segments},          {"mode", to_string(policy.mode)},
          {"hop_limit", policy.hop_limit}, {"dscp", dscp_json(policy.dscp)},
          {"mss_clamp", policy.mss_clamp}};
}

json describe_json(const Neighbor& of) {
  return {{"port", of.port}, {"address", wire::to_string(of.address)}, {"mac", wire::to_string(of.mac)}};
}

json describe_json(const Route& route) {
  return {
      {"prefix", wire::to_string(route.prefix)}, {"next_hop", wire::to_string(route.next_hop)}, {"port", route.port}};
}

json describe_json(const Bypass& rule) {
  return {{"source", wire::to_string(rule.source)},
          {"destination", wire::to_string(rule.destination)},
          {"protocol", protocol_json(rule.protocol)},
          {"source_ports", range_json(rule.source_ports)},
          {"destination_ports", range_json(rule.destination_ports)}};
}

// All but the lists of entries.
json settings_json(const Config& config) {
  json ports = json::object();
  for (const Port& port : config.ports) ports[port.name] = describe_json(port);
  return {{"name", config.name},
          {"ports", ports},
          {"srv6", {{"source", config.srv6_source ? json(wire::to_string(*config.srv6_source)) : json(nullptr)}}},
          {"state", state_json(config.state)},
          {"workers",
           {{"count", config.workers.count}, {"cpus", config.workers.cpus}, {"rebalance", config.workers.rebalance}}},
          {"eal", eal_json(config.eal)},
          {"control",
           {{"enabled", config.control.enabled},
            {"socket", config.control.enabled ? json(socket_path(config)) : json(nullptr)},
            {"payload_group", group_json(config.control.payload_group)},
            {"change_group", group_json(config.control.change_group)}}},
          {"metrics", metrics_json(config.metrics)},
          {"arp", arp_json(config.arp)},
          {"icmp",
           {{"errors_per_second", config.icmp.errors_per_second},
            {"burst", config.icmp.burst},
            {"echo", config.icmp.echo},
            {"path_mtu", config.icmp.path_mtu}}},
          {"reassembly",
           {{"enabled", config.reassembly.enabled},
            {"packets", config.reassembly.packets},
            {"timeout_ms", config.reassembly.timeout_ms}}}};
}

json describe_json(const Config& config) {
  json all = settings_json(config);
  all["file"] = config.file;
  all["srv6"] = srv6_json(config);
  all["neighbors"] = list_json(config.neighbors);
  all["ipsec"] = {{"security_associations", list_json(config.security_associations)}};
  all["routes"] = list_json(config.routes);
  all["bypass"] = list_json(config.bypass);
  all["memory"] = memory_json(config);
  return all;
}

}  // namespace strata::config
