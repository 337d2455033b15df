#include "config/describe.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <vector>

#include "config/memory.hpp"
#include "config/mtu.hpp"
#include "config/socket_path.hpp"

namespace strata::config {
namespace {

// Beyond this, looking for SIDs that nothing can reach costs more than it tells.
constexpr std::size_t kMostPairs = 1'000'000;

std::string hex(std::uint32_t value) {
  std::array<char, 16> out{};
  std::snprintf(out.data(), out.size(), "0x%08x", value);
  return out.data();
}

template <class Range>
std::string listed(const Range& items) {
  std::string out;
  for (const auto& item : items) out += (out.empty() ? "" : ", ") + wire::to_string(item);
  return out;
}

std::string counted(std::size_t n, const std::string& one, const std::string& many) {
  return std::to_string(n) + ' ' + (n == 1 ? one : many);
}

// Rows of words, each column as wide as its widest word.
class Table {
 public:
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  [[nodiscard]] std::string text(const std::string& title) const {
    if (rows_.empty()) return {};
    std::vector<std::size_t> width;
    for (const auto& row : rows_) {
      width.resize(std::max(width.size(), row.size()));
      for (std::size_t i = 0; i < row.size(); ++i) width[i] = std::max(width[i], row[i].size());
    }
    std::string out = "\n" + title + "\n";
    for (const auto& row : rows_) {
      std::string line = " ";
      for (std::size_t i = 0; i < row.size(); ++i) {
        line += ' ' + row[i] + std::string(width[i] - row[i].size() + 1, ' ');
      }
      line.erase(line.find_last_not_of(' ') + 1);
      out += line + "\n";
    }
    return out;
  }

 private:
  std::vector<std::vector<std::string>> rows_;
};

std::string protocol_text(const std::optional<std::uint8_t>& protocol) {
  return protocol ? "protocol " + std::to_string(*protocol) : "any protocol";
}

std::string ports_text(const Config& config) {
  Table table;
  for (const Port& p : config.ports) {
    std::string addresses = listed(p.addresses);
    if (!p.addresses6.empty()) addresses += (addresses.empty() ? "" : ", ") + listed(p.addresses6);
    table.add({p.name, p.host ? "host" : std::string(to_string(p.side)),
               p.host              ? "this machine's own kernel"
               : addresses.empty() ? "no address"
                                   : addresses,
               p.mac ? "MAC " + wire::to_string(*p.mac) : "the device's own MAC", "on " + p.device});
    table.add({"", "mtu " + std::to_string(p.mtu),
               counted(p.queues, "queue", "queues") + (p.promiscuous ? ", promiscuous" : ""),
               "descriptors " + std::to_string(p.rx_descriptors) + " rx, " + std::to_string(p.tx_descriptors) + " tx",
               p.offloads ? "checksums by the device where it can" : "checksums by the processor"});
  }
  return table.text("Ports");
}

std::string neighbors_text(const Config& config) {
  Table table;
  for (const Neighbor& n : config.neighbors) {
    table.add({wire::to_string(n.address), "on " + n.port, "is at " + wire::to_string(n.mac)});
  }
  return table.text("Neighbors");
}

std::string encap_text(const SecurityAssociation& sa) {
  if (!sa.udp_encap) return "plain ESP (protocol 50)";
  return "ESP in UDP " + std::to_string(sa.udp_encap->source_port) + " to " +
         std::to_string(sa.udp_encap->destination_port);
}

std::string dscp_text(const std::optional<std::uint8_t>& dscp) {
  return dscp ? "DSCP " + std::to_string(*dscp) : "DSCP as inside";
}

// "30 seconds, 1000 packets"; empty: none.
std::string limits_text(const Limits& limits) {
  std::string out;
  const auto add = [&out](const std::optional<std::uint64_t>& limit, const std::string& one, const std::string& many) {
    if (limit) out += (out.empty() ? "" : ", ") + counted(*limit, one, many);
  };
  add(limits.seconds, "second", "seconds");
  add(limits.bytes, "byte", "bytes");
  add(limits.packets, "packet", "packets");
  return out;
}

std::string security_associations_text(const Config& config) {
  Table table;
  for (const SecurityAssociation& sa : config.security_associations) {
    table.add({sa.name, std::string(to_string(sa.direction)), "SPI " + hex(sa.spi),
               wire::to_string(sa.source) + " to " + wire::to_string(sa.destination), encap_text(sa)});
    table.add({"", "", std::string(to_string(sa.algorithm)),
               sa.esn ? "64 bit sequence numbers" : "32 bit sequence numbers",
               sa.replay_window == 0 ? "no replay check" : "replay window " + std::to_string(sa.replay_window)});
    table.add({"", "", "only for",
               wire::to_string(sa.selectors.source) + " to " + wire::to_string(sa.selectors.destination),
               protocol_text(sa.selectors.protocol)});
    const std::string soft = limits_text(sa.lifetime.soft);
    const std::string hard = limits_text(sa.lifetime.hard);
    if (!soft.empty() || !hard.empty())
      table.add({"", "", "lifetime", soft.empty() ? "not told before its end" : "told after " + soft,
                 hard.empty() ? "without an end" : "ends after " + hard});
    if (sa.direction != Direction::out) continue;
    table.add({"", "", "outer TTL " + std::to_string(sa.ttl), dscp_text(sa.dscp),
               sa.df == DfMode::copy ? "DF as inside" : "DF " + std::string(to_string(sa.df))});
  }
  return table.text("Security associations (keys are not shown)");
}

std::string local_sids_text(const Config& config) {
  Table table;
  for (const LocalSid& sid : config.local_sids) {
    table.add({wire::to_string(sid.sid), std::string(to_string(sid.behavior)),
               "IPv4 to " + wire::to_string(sid.next_hop) + " on " + sid.port,
               sid.clear ? "also what came in clear" : "protected traffic only"});
  }
  return table.text("Local SIDs");
}

std::string policies_text(const Config& config) {
  Table table;
  for (const Policy& policy : config.policies) {
    table.add({policy.name, std::string(to_string(policy.mode)), "IPv4 to " + listed(policy.prefixes),
               "by " + listed(policy.segments)});
    table.add({"", "", "hop limit " + std::to_string(policy.hop_limit) + ", " + dscp_text(policy.dscp),
               policy.mss_clamp ? "TCP's MSS lowered to what fits" : "TCP's MSS left alone"});
  }
  const std::string from = config.srv6_source ? " (from " + wire::to_string(*config.srv6_source) + ")" : "";
  return table.text("SRv6 policies" + from);
}

std::string mtus_text(const Config& config) {
  Table table;
  const Steering steering(config);
  for (const Policy& policy : config.policies) table.add({policy.name, mtu_text(steering, policy)});
  return table.text("The largest IPv4 packet of each policy");
}

std::string arp_text(const Arp& arp) {
  if (!arp.enabled) return "off: no neighbors but those of the configuration";
  return counted(arp.hold, "packet waits", "packets wait") + " for a neighbor, asked " +
         counted(arp.tries, "time", "times") + " every " + std::to_string(arp.interval_ms) + " ms; " +
         counted(arp.neighbors, "neighbor", "neighbors") + " a port at the most, asked anew after " +
         std::to_string(arp.reachable_s) + " s";
}

std::string icmp_text(const Icmp& icmp) {
  const std::string told = std::string(icmp.echo ? "echo is answered; " : "echo is not answered; ") +
                           (icmp.path_mtu ? "path MTUs are learned; " : "path MTUs are not learned; ");
  if (icmp.errors_per_second == 0) return told + "no errors are sent";
  return told + counted(icmp.errors_per_second, "error", "errors") + " a second, " + std::to_string(icmp.burst) +
         " at once";
}

std::string reassembly_text(const Reassembly& reassembly) {
  if (!reassembly.enabled) return "none: fragments of ESP are dropped";
  return counted(reassembly.packets, "packet", "packets") + " at one time, for " +
         std::to_string(reassembly.timeout_ms) + " ms";
}

std::string eal_text(const Eal& eal) {
  std::string out = "hugepages " + std::string(to_string(eal.hugepages)) + ", " + std::to_string(eal.memory) + " MiB";
  if (!eal.arguments.empty()) out += ", arguments:";
  for (const std::string& word : eal.arguments) out += " " + word;
  return out;
}

std::string memory_text(const Config& config) {
  const MemoryNeed need = memory_need(config);
  const auto mib = [](std::uint64_t octets) { return std::to_string(octets >> 20) + " MiB"; };
  return "about " + std::to_string(need.eal_mib()) + " MiB of DPDK's are needed (" + mib(need.routes) +
         " for routes, " + mib(need.neighbors) + " for neighbors, " + mib(need.reassembly + need.buffers + need.rings) +
         " for packets), and of the process's own " + mib(need.tables);
}

std::string workers_text(const Workers& workers) {
  std::string out = counted(workers.count, "worker", "workers") + ", ";
  if (workers.cpus.empty()) out += "any CPU";
  for (std::size_t i = 0; i < workers.cpus.size(); ++i)
    out += (i == 0 ? (workers.cpus.size() == 1 ? "CPU " : "CPUs ") : ", ") + std::to_string(workers.cpus[i]);
  return out + (workers.rebalance ? "; SAs go to where there is less to do" : "");
}

std::string state_text(const State& state) {
  return state.unsafe_lab_without_state ? "none: each start repeats the nonces of the one before; for a lab alone"
                                        : "sequence numbers are reserved in " + state.directory;
}

std::string control_text(const Config& config) {
  if (!config.control.enabled) return "no socket: nobody can ask it anything";
  const auto may = [](const std::string& group, const char* what) {
    return group.empty() ? std::string() : ", the group " + group + " may " + what;
  };
  return "socket " + socket_path(config) + may(config.control.payload_group, "see opened packets") +
         may(config.control.change_group, "change entries");
}

std::string metrics_text(const Config& config) {
  const Metrics& metrics = config.metrics;
  std::string text = "none over HTTP";
  if (metrics.http) text = metrics_url(metrics);
  if (metrics.telemetry) text += ", DPDK's telemetry socket of " + config.name;
  return text + "; series for " + std::to_string(metrics.entries) + " SAs and SIDs at the most";
}

std::string machine_text(const Config& config) {
  Table table;
  table.add({"arp", arp_text(config.arp)});
  table.add({"icmp", icmp_text(config.icmp)});
  table.add({"reassembly", reassembly_text(config.reassembly)});
  table.add({"state", state_text(config.state)});
  table.add({"workers", workers_text(config.workers)});
  table.add({"control", control_text(config)});
  table.add({"metrics", metrics_text(config)});
  table.add({"eal", eal_text(config.eal)});
  table.add({"memory", memory_text(config)});
  return table.text("How it runs");
}

std::string routes_text(const Config& config) {
  Table table;
  for (const Route& route : config.routes) {
    table.add({wire::to_string(route.prefix), "to " + wire::to_string(route.next_hop), "on " + route.port});
  }
  return table.text("Routes");
}

std::string range_text(const std::optional<PortRange>& range) {
  if (!range) return "any port";
  const std::string first = std::to_string(range->first);
  return range->first == range->last ? "port " + first : "ports " + first + "-" + std::to_string(range->last);
}

std::string bypass_text(const Config& config) {
  Table table;
  for (const Bypass& rule : config.bypass) {
    const bool has_ports = rule.source_ports || rule.destination_ports;
    table.add({wire::to_string(rule.source), "to " + wire::to_string(rule.destination), protocol_text(rule.protocol),
               has_ports ? range_text(rule.source_ports) + " to " + range_text(rule.destination_ports) : ""});
  }
  return table.text("Bypass: clear traffic that may cross the IPsec boundary");
}

bool has_direction(const Config& config, Direction direction) {
  return std::any_of(config.security_associations.begin(), config.security_associations.end(),
                     [direction](const SecurityAssociation& sa) { return sa.direction == direction; });
}

std::string journey_text(const Config& config) {
  std::string out = "\nThe journey\n";
  if (has_direction(config, Direction::in)) {
    out +=
        "  In: ESP to an inbound SA is opened; the IPv6 packet inside must fit the SA's selectors and go to a local "
        "SID;\n"
        "      End.DX4 takes the IPv4 packet out of it and sends it to the SID's next hop.\n";
  }
  if (!config.policies.empty()) {
    out +=
        "  Out: IPv4 that matches a policy is put into IPv6 with its segments, and sealed by the outbound SA whose "
        "selectors\n"
        "       fit. Without one it is dropped (policy.no_sa), never sent in clear.\n";
  }
  out += "  In clear: IPv4 is routed between ports of the same side";
  out += config.bypass.empty() ? "; nothing crosses the IPsec boundary.\n"
                               : "; only what a bypass rule names crosses the IPsec boundary.\n";
  return out;
}

// Not mistakes, but hardly what was meant.
std::string notes_text(const Config& config) {
  const bool small = config.local_sids.size() * config.security_associations.size() <= kMostPairs;
  Table table;
  for (const LocalSid& sid : config.local_sids) {
    const auto lets_in = [&sid](const SecurityAssociation& sa) {
      return sa.direction == Direction::in && wire::overlap(sa.selectors.destination, sid.sid);
    };
    const auto& sas = config.security_associations;
    if (small && !sid.clear && std::none_of(sas.begin(), sas.end(), lets_in)) {
      table.add({"No inbound SA is for SID " + wire::to_string(sid.sid) + " (line " + std::to_string(sid.mark.line) +
                 "), and it takes no clear traffic: nothing can reach it."});
    }
  }
  if (!config.policies.empty() && !has_direction(config, Direction::out)) {
    table.add({"There are policies but no outbound SA: what matches them is dropped."});
  }
  if (config.state.unsafe_lab_without_state && has_direction(config, Direction::out)) {
    table.add(
        {"state.unsafe_lab_without_state is true: a start with the keys of an earlier one gives these keys away "
         "(RFC 8221 section 3)."});
  }
  if (const std::uint32_t need = memory_need(config).eal_mib(); config.eal.memory < need) {
    table.add({"eal.memory is " + std::to_string(config.eal.memory) + " MiB, and about " + std::to_string(need) +
               " are needed: raise it, or leave it out, and it is reckoned."});
  }
  return table.text("To be noted");
}

}  // namespace

std::string metrics_url(const Metrics& metrics) {
  const bool is_six = metrics.address.find(':') != std::string::npos;
  const std::string host = is_six ? "[" + metrics.address + "]" : metrics.address;
  return "http://" + host + ":" + std::to_string(metrics.port) + "/metrics";
}

std::string_view to_string(Side side) { return side == Side::protected_side ? "protected" : "unprotected"; }
std::string_view to_string(Direction direction) { return direction == Direction::in ? "in" : "out"; }
std::string_view to_string(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::aes_128_gcm: return "aes-128-gcm";
    case Algorithm::aes_192_gcm: return "aes-192-gcm";
    case Algorithm::aes_256_gcm: return "aes-256-gcm";
    case Algorithm::chacha20_poly1305: return "chacha20-poly1305";
  }
  return {};
}
std::string_view to_string(Behavior /*behavior*/) { return "End.DX4"; }
std::string_view to_string(EncapMode mode) { return mode == EncapMode::encaps ? "H.Encaps" : "H.Encaps.Red"; }

std::string_view to_string(DfMode df) {
  switch (df) {
    case DfMode::set: return "set";
    case DfMode::clear: return "clear";
    case DfMode::copy: return "copy";
  }
  return {};
}
std::string_view to_string(Hugepages hugepages) {
  switch (hugepages) {
    case Hugepages::automatic: return "auto";
    case Hugepages::never: return "never";
    case Hugepages::required: return "required";
  }
  return {};
}

std::string describe(const Config& config) {
  std::string out = config.file + ": " + counted(config.ports.size(), "port", "ports") + ", " +
                    counted(config.security_associations.size(), "security association", "security associations") +
                    ", " + counted(config.local_sids.size(), "local SID", "local SIDs") + ", " +
                    counted(config.policies.size(), "policy", "policies") + ", " +
                    counted(config.routes.size(), "route", "routes") + ", " +
                    counted(config.neighbors.size(), "neighbor", "neighbors") + ", " +
                    counted(config.bypass.size(), "bypass rule", "bypass rules") + ".\n";
  out += ports_text(config) + neighbors_text(config) + security_associations_text(config);
  out += local_sids_text(config) + policies_text(config) + mtus_text(config) + routes_text(config) +
         bypass_text(config) + machine_text(config);
  return out + journey_text(config) + notes_text(config);
}

}  // namespace strata::config
