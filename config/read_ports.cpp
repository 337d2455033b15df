#include <algorithm>
#include <utility>

#include "config/sections.hpp"

namespace strata::config {
namespace {

void read_addresses(Scene& scene, const Mapping& mapping, Port& port, Interfaces::Facts& facts) {
  const std::size_t mistakes = scene.problems.size();
  for (const Value& value : mapping.entries("addresses")) {
    const std::optional<InterfaceAddress> address = read_interface_address(scene.problems, value);
    if (!address) continue;
    scene.interfaces.check_address(scene.problems, value, *address, port.name);
    if (const auto* const p4 = std::get_if<wire::Ipv4Prefix>(&*address)) port.addresses.push_back(*p4);
    if (const auto* const p6 = std::get_if<wire::Ipv6Prefix>(&*address)) port.addresses6.push_back(*p6);
  }
  facts.is_sound = scene.problems.size() == mistakes;
}

// How the device is used.
void read_device(const Mapping& mapping, Port& port) {
  port.device = mapping.text("device").value_or("");
  port.mac = mapping.mac("mac");
  read_number(mapping, "mtu", port.mtu);
  read_number(mapping, "queues", port.queues);
  if (const std::optional<Mapping> descriptors = mapping.mapping("descriptors")) {
    read_number(*descriptors, "rx", port.rx_descriptors);
    read_number(*descriptors, "tx", port.tx_descriptors);
  }
  port.promiscuous = mapping.boolean("promiscuous").value_or(false);
  port.offloads = mapping.boolean("offloads").value_or(true);
  port.host = mapping.boolean("host").value_or(false);
}

// The port to this machine's own kernel: whose addresses those are, and on which side they are, the other ports say.
void check_host(Scene& scene, const Mapping& mapping) {
  const auto& ports = scene.config.ports;
  const auto other = std::find_if(ports.begin(), ports.end(), [](const Port& port) { return port.host; });
  if (other != ports.end()) {
    scene.problems.refuse(*mapping.value("host"), "port '" + other->name + "' (" + at_line(other->mark) +
                                                      ") leads to this machine already; allowed: true on one port");
  }
  for (const std::string_view key : {"addresses", "side"}) {
    const std::optional<Value> value = mapping.value(key);
    if (value) scene.problems.refuse(*value, "the port has host: true; allowed: leave this key out");
  }
}

}  // namespace

void read_ports(Scene& scene, const Mapping& root) {
  root.for_each_named("ports", [&scene](const Node& key, const Mapping& mapping) {
    Port port;
    port.name = key.text();
    port.mark = key.mark;
    read_device(mapping, port);
    port.side = mapping.choice("side") == std::size_t{1} ? Side::unprotected_side : Side::protected_side;
    Interfaces::Facts facts;
    port.says_side = mapping.has("side");
    facts.mark = key.mark;
    if (port.host) check_host(scene, mapping);
    read_addresses(scene, mapping, port, facts);
    scene.config.ports.push_back(std::move(port));
    scene.interfaces.add(facts);
  });
}

void read_neighbors(Scene& scene, const Mapping& root) {
  FirstSeen<std::pair<std::string, wire::Ipv4Address>> seen;
  for (const Neighbor& neighbor : scene.config.neighbors) seen.add({neighbor.port, neighbor.address}, neighbor.mark);
  root.for_each("neighbors", [&](const Mapping& mapping) {
    const auto port = scene.interfaces.find(scene.problems, mapping, "port");
    const auto address = mapping.ipv4("address");
    const auto mac = mapping.mac("mac");
    if (!port || !address) return;
    const Value value = *mapping.value("address");
    scene.interfaces.check_next_hop(scene.problems, value, *port, *address);
    if (const auto first = seen.add({scene.config.ports[*port].name, *address}, value.mark())) {
      scene.problems.refuse(value, "a neighbor at " + at_line(*first) + " already; allowed: each neighbor once");
    }
    if (!mac) return;
    scene.config.neighbors.push_back(
        {.port = scene.config.ports[*port].name, .address = *address, .mac = *mac, .mark = mapping.node().mark});
  });
}

}  // namespace strata::config
