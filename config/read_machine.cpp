#include "config/sections.hpp"

namespace strata::config {
namespace {

void read_eal(Scene& scene, const Mapping& mapping) {
  Eal& eal = scene.config.eal;
  if (const auto hugepages = mapping.choice("hugepages")) eal.hugepages = static_cast<Hugepages>(*hugepages);
  read_number(mapping, "memory", eal.memory);
  scene.memory_said = mapping.has("memory");
  for (const Value& value : mapping.entries("arguments")) {
    if (auto word = read_text(scene.problems, value)) eal.arguments.push_back(std::move(*word));
  }
}

// One worker a CPU: two of them would take turns on it, each waiting for the other.
void read_workers(Scene& scene, const Mapping& mapping) {
  Workers& workers = scene.config.workers;
  read_number(mapping, "count", workers.count);
  workers.rebalance = mapping.boolean("rebalance").value_or(workers.rebalance);
  FirstSeen<std::uint32_t> seen;
  const std::vector<Value> cpus = mapping.entries("cpus");
  for (const Value& value : cpus) {
    const auto cpu = read_cpu(scene.problems, value);
    if (!cpu) continue;
    if (seen.add(*cpu, value.mark())) scene.problems.refuse(value, "it is in the list already; allowed: each CPU once");
    workers.cpus.push_back(*cpu);
  }
  if (cpus.empty()) return;
  const auto listed = static_cast<std::uint32_t>(cpus.size());
  if (const auto count = mapping.value("count"); count && workers.count != listed)
    scene.problems.refuse(*count, "`cpus` lists " + std::to_string(listed) + "; allowed: as many, or nothing");
  workers.count = listed;
}

void read_arp(Arp& arp, const Mapping& mapping) {
  arp.enabled = mapping.boolean("enabled").value_or(arp.enabled);
  read_number(mapping, "hold", arp.hold);
  read_number(mapping, "tries", arp.tries);
  read_number(mapping, "interval_ms", arp.interval_ms);
  read_number(mapping, "reachable_s", arp.reachable_s);
  read_number(mapping, "neighbors", arp.neighbors);
}

void read_icmp(Icmp& icmp, const Mapping& mapping) {
  read_number(mapping, "errors_per_second", icmp.errors_per_second);
  read_number(mapping, "burst", icmp.burst);
  icmp.echo = mapping.boolean("echo").value_or(icmp.echo);
  icmp.path_mtu = mapping.boolean("path_mtu").value_or(icmp.path_mtu);
}

void read_reassembly(Reassembly& reassembly, const Mapping& mapping) {
  reassembly.enabled = mapping.boolean("enabled").value_or(reassembly.enabled);
  read_number(mapping, "packets", reassembly.packets);
  read_number(mapping, "timeout_ms", reassembly.timeout_ms);
}

void read_state(Scene& scene, const Mapping& mapping) {
  State& state = scene.config.state;
  if (auto directory = mapping.text("directory")) state.directory = *std::move(directory);
  if (state.directory.front() != '/' && !scene.folder.empty()) state.directory = scene.folder + "/" + state.directory;
  state.unsafe_lab_without_state = mapping.boolean("unsafe_lab_without_state").value_or(state.unsafe_lab_without_state);
  if (state.unsafe_lab_without_state && mapping.has("directory"))
    scene.problems.refuse(*mapping.value("unsafe_lab_without_state"),
                          "`directory` says where the state is kept; allowed: one of the two keys");
}

// Part of a file's name, and shown by `ls`.
void read_name(Scene& scene, const Mapping& root) {
  const auto name = root.text("name");
  if (!name) return;
  if (name->front() == '.' || name->find('/') != std::string::npos)
    scene.problems.refuse(*root.value("name"), "allowed: a name without /, and without . at its beginning");
  scene.config.name = *name;
}

void read_control(Scene& scene, const Mapping& mapping) {
  Control& control = scene.config.control;
  control.enabled = mapping.boolean("enabled").value_or(control.enabled);
  if (auto group = mapping.text("payload_group")) control.payload_group = *std::move(group);
  if (auto group = mapping.text("change_group")) control.change_group = *std::move(group);
  const auto socket = mapping.text("socket");
  if (!socket) return;
  if (socket->front() != '/' || socket->size() > kLongestSocketPath)
    scene.problems.refuse(*mapping.value("socket"),
                          "allowed: an absolute path of at most " + std::to_string(kLongestSocketPath) + " octets");
  control.socket = *socket;
}

bool is_address(const std::string& text) {
  return wire::parse_ipv4(text).has_value() || wire::parse_ipv6(text).has_value();
}

void read_metrics(Scene& scene, const Mapping& mapping) {
  Metrics& metrics = scene.config.metrics;
  metrics.http = mapping.boolean("http").value_or(metrics.http);
  metrics.http_is_wished = mapping.has("http") || mapping.has("address") || mapping.has("port");
  metrics.telemetry = mapping.boolean("telemetry").value_or(metrics.telemetry);
  read_number(mapping, "port", metrics.port);
  read_number(mapping, "entries", metrics.entries);
  const auto address = mapping.text("address");
  if (!address) return;
  if (!is_address(*address)) scene.problems.refuse(*mapping.value("address"), "allowed: an IPv4 or IPv6 address");
  metrics.address = *address;
}

}  // namespace

void read_machine(Scene& scene, const Mapping& root) {
  read_name(scene, root);
  if (const auto control = root.mapping("control")) read_control(scene, *control);
  if (const auto metrics = root.mapping("metrics")) read_metrics(scene, *metrics);
  if (const auto eal = root.mapping("eal")) read_eal(scene, *eal);
  if (const auto workers = root.mapping("workers")) read_workers(scene, *workers);
  if (const auto arp = root.mapping("arp")) read_arp(scene.config.arp, *arp);
  if (const auto icmp = root.mapping("icmp")) read_icmp(scene.config.icmp, *icmp);
  if (const auto reassembly = root.mapping("reassembly")) read_reassembly(scene.config.reassembly, *reassembly);
  if (const auto state = root.mapping("state")) read_state(scene, *state);
}

}  // namespace strata::config
