#include "config/describe.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <vector>

namespace strata::config {
namespace {

using nlohmann::json;

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
    table.add({p.name, std::string(to_string(p.side)), addresses.empty() ? "no address" : addresses,
               p.mac ? "MAC " + wire::to_string(*p.mac) : "the device's own MAC", "on " + p.device});
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
  }
  const std::string from = config.srv6_source ? " (from " + wire::to_string(*config.srv6_source) + ")" : "";
  return table.text("SRv6 policies" + from);
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
  return table.text("To be noted");
}

json prefix_list(const std::vector<wire::Ipv4Prefix>& v4, const std::vector<wire::Ipv6Prefix>& v6) {
  json out = json::array();
  for (const auto& p : v4) out.push_back(wire::to_string(p));
  for (const auto& p : v6) out.push_back(wire::to_string(p));
  return out;
}

json protocol_json(const std::optional<std::uint8_t>& protocol) { return protocol ? json(*protocol) : json(nullptr); }

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
  if (sa.udp_encap) {
    out["udp_encap"] = {{"source_port", sa.udp_encap->source_port},
                        {"destination_port", sa.udp_encap->destination_port}};
  }
  return out;
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
  for (const Policy& policy : config.policies) {
    json segments = json::array();
    for (const auto& segment : policy.segments) segments.push_back(wire::to_string(segment));
    policies.push_back({{"name", policy.name},
                        {"prefixes", prefix_list(policy.prefixes, {})},
                        {"segments", segments},
                        {"mode", to_string(policy.mode)}});
  }
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

}  // namespace

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

std::string describe(const Config& config) {
  std::string out = config.file + ": " + counted(config.ports.size(), "port", "ports") + ", " +
                    counted(config.security_associations.size(), "security association", "security associations") +
                    ", " + counted(config.local_sids.size(), "local SID", "local SIDs") + ", " +
                    counted(config.policies.size(), "policy", "policies") + ", " +
                    counted(config.routes.size(), "route", "routes") + ", " +
                    counted(config.neighbors.size(), "neighbor", "neighbors") + ", " +
                    counted(config.bypass.size(), "bypass rule", "bypass rules") + ".\n";
  out += ports_text(config) + neighbors_text(config) + security_associations_text(config);
  out += local_sids_text(config) + policies_text(config) + routes_text(config) + bypass_text(config);
  return out + journey_text(config) + notes_text(config);
}

json describe_json(const Config& config) {
  json ports = json::object();
  for (const Port& p : config.ports) {
    ports[p.name] = {{"device", p.device},
                     {"mac", p.mac ? json(wire::to_string(*p.mac)) : json(nullptr)},
                     {"addresses", prefix_list(p.addresses, p.addresses6)},
                     {"side", to_string(p.side)}};
  }
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
  return {{"file", config.file},          {"ports", ports},
          {"neighbors", neighbors},       {"ipsec", {{"security_associations", sas}}},
          {"srv6", srv6_json(config)},    {"routes", routes},
          {"bypass", bypass_json(config)}};
}

}  // namespace strata::config
