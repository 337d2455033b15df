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

json to_json(const Port& port) {
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

json to_json(const Limits& limits) {
  const auto number = [](const std::optional<std::uint64_t>& limit) { return limit ? json(*limit) : json(nullptr); };
  return {{"seconds", number(limits.seconds)}, {"bytes", number(limits.bytes)}, {"packets", number(limits.packets)}};
}

json to_json(const SecurityAssociation& sa) {
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

json to_json(const Policy& policy, const std::optional<InnerMtu>& mtu) {
  json segments = json::array();
  for (const auto& segment : policy.segments) segments.push_back(wire::to_string(segment));
  return {{"name", policy.name},           {"prefixes", prefix_list(policy.prefixes, {})},
          {"segments", segments},          {"mode", to_string(policy.mode)},
          {"hop_limit", policy.hop_limit}, {"dscp", dscp_json(policy.dscp)},
          {"mss_clamp", policy.mss_clamp}, {"mtu", mtu ? describe_json(*mtu) : json(nullptr)}};
}

json srv6_json(const Config& config) {
  json sids = json::array();
  for (const LocalSid& sid : config.local_sids) {
    sids.push_back({{"sid", wire::to_string(sid.sid)},
                    {"behavior", to_string(sid.behavior)},
                    {"next_hop", wire::to_string(sid.next_hop)},
                    {"port", sid.port},
                    {"clear", sid.clear}});
  }
  json policies = json::array();
  const Steering steering(config);
  for (const Policy& policy : config.policies) policies.push_back(to_json(policy, inner_mtu(steering, policy)));
  return {{"source", config.srv6_source ? json(wire::to_string(*config.srv6_source)) : json(nullptr)},
          {"local_sids", sids},
          {"policies", policies}};
}

json range_json(const std::optional<PortRange>& range) {
  return range ? json(std::to_string(range->first) + "-" + std::to_string(range->last)) : json(nullptr);
}

json bypass_json(const Config& config) {
  json out = json::array();
  for (const Bypass& rule : config.bypass) {
    out.push_back({{"source", wire::to_string(rule.source)},
                   {"destination", wire::to_string(rule.destination)},
                   {"protocol", protocol_json(rule.protocol)},
                   {"source_ports", range_json(rule.source_ports)},
                   {"destination_ports", range_json(rule.destination_ports)}});
  }
  return out;
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

json describe_json(const Config& config) {
  json ports = json::object();
  for (const Port& port : config.ports) ports[port.name] = to_json(port);
  json neighbors = json::array();
  for (const Neighbor& n : config.neighbors) {
    neighbors.push_back({{"port", n.port}, {"address", wire::to_string(n.address)}, {"mac", wire::to_string(n.mac)}});
  }
  json sas = json::array();
  for (const SecurityAssociation& sa : config.security_associations) sas.push_back(to_json(sa));
  json routes = json::array();
  for (const Route& route : config.routes) {
    routes.push_back({{"prefix", wire::to_string(route.prefix)},
                      {"next_hop", wire::to_string(route.next_hop)},
                      {"port", route.port}});
  }
  return {
      {"file", config.file},
      {"name", config.name},
      {"ports", ports},
      {"neighbors", neighbors},
      {"ipsec", {{"security_associations", sas}}},
      {"srv6", srv6_json(config)},
      {"routes", routes},
      {"bypass", bypass_json(config)},
      {"state", state_json(config.state)},
      {"workers",
       {{"count", config.workers.count}, {"cpus", config.workers.cpus}, {"rebalance", config.workers.rebalance}}},
      {"eal", eal_json(config.eal)},
      {"control",
       {{"enabled", config.control.enabled},
        {"socket", config.control.enabled ? json(socket_path(config)) : json(nullptr)},
        {"payload_group", config.control.payload_group.empty() ? json(nullptr) : json(config.control.payload_group)}}},
      {"metrics", metrics_json(config.metrics)},
      {"memory", memory_json(config)},
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

}  // namespace strata::config
