#include "config/difference.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <span>
#include <unordered_map>
#include <utility>

#include "config/describe.hpp"
#include "config/memory.hpp"

namespace strata::config {
namespace {

using nlohmann::json;
using Kind = Change::Kind;

// What threads, devices and memory of a fixed size were made from.
constexpr std::array<std::string_view, 9> kFixed{"name",    "ports",   "workers", "eal",       "state",
                                                 "control", "metrics", "arp",     "reassembly"};

std::string text_of(const json& value) {
  const auto kReplace = json::error_handler_t::replace;
  return value.is_string() ? value.get<std::string>() : value.dump(-1, ' ', false, kReplace);
}

using Told = std::function<void(const std::string& path, const json& before, const json& after)>;

// Each value that is not the same in both, by its path.
void compare(const std::string& path, const json& before, const json& after, const Told& told) {
  if (before == after) return;
  if (!before.is_object() || !after.is_object()) return told(path, before, after);
  const json none;
  const auto path_of = [&](const std::string& name) { return path.empty() ? name : path + "." + name; };
  for (const auto& [name, value] : before.items())
    compare(path_of(name), value, after.contains(name) ? after.at(name) : none, told);
  for (const auto& [name, value] : after.items())
    if (!before.contains(name)) told(path_of(name), none, value);
}

std::string changes_in(const json& before, const json& after) {
  std::string how;
  compare("", before, after, [&](const std::string& path, const json& was, const json& is) {
    how += (how.empty() ? "" : ", ") + path + " " + text_of(was) + " -> " + text_of(is);
  });
  return how;
}

// Entries of a section by what they are known by.
template <class Entry, class Name, class How>
void compare_entries(Difference& out, const std::string& section, const std::vector<Entry>& before,
                     const std::vector<Entry>& after, Name name_of, How how) {
  const auto what_of = [&](const std::string& name) { return section + " " + name; };
  std::unordered_map<std::string, const Entry*> old;
  for (const Entry& entry : before) old.emplace(name_of(entry), &entry);
  std::vector<Change> added;
  std::unordered_map<std::string, const Entry*> still;
  for (const Entry& entry : after) {
    const std::string name = name_of(entry);
    still.emplace(name, &entry);
    const auto at = old.find(name);
    if (at == old.end()) {
      added.push_back({Kind::added, what_of(name), {}});
    } else if (std::string what = how(*at->second, entry); !what.empty()) {
      out.changes.push_back({Kind::changed, what_of(name), std::move(what)});
    }
  }
  std::vector<const Entry*> kept;
  for (const Entry& entry : before) {
    const std::string name = name_of(entry);
    if (const auto at = still.find(name); at != still.end())
      kept.push_back(at->second);
    else
      out.changes.push_back({Kind::removed, what_of(name), {}});
  }
  // Of several SAs that could take a packet the first one does.
  if (!std::ranges::is_sorted(kept)) out.changes.push_back({Kind::changed, section, "another order"});
  std::ranges::move(added, std::back_inserter(out.changes));
}

bool has_same_key(const SecurityAssociation& a, const SecurityAssociation& b) {
  return std::ranges::equal(a.key.bytes(), b.key.bytes());
}

std::string how_sa(const SecurityAssociation& before, const SecurityAssociation& after) {
  std::string how = changes_in(describe_json(before), describe_json(after));
  if (!has_same_key(before, after)) how += std::string(how.empty() ? "" : ", ") + "another key";
  return how;
}

std::string how_json(const auto& before, const auto& after) {
  return changes_in(describe_json(before), describe_json(after));
}

// Unsaid, it follows from the rest.
json settings_of(const Config& config) {
  json settings = settings_json(config);
  if (config.eal.memory == memory_unsaid(config)) settings["eal"]["memory"] = "by need";
  return settings;
}

Mark mark_of(const Config& config, const std::string& path) {
  for (const Port& port : config.ports)
    if (path.starts_with("ports." + port.name + ".") || path == "ports." + port.name) return port.mark;
  return {};
}

void compare_settings(Difference& out, const Config& before, const Config& after) {
  compare("", settings_of(before), settings_of(after), [&](const std::string& path, const json& was, const json& is) {
    const std::string how = text_of(was) + " -> " + text_of(is);
    out.changes.push_back({Kind::changed, path, how});
    if (std::ranges::find(kFixed, path.substr(0, path.find('.'))) == kFixed.end()) return;
    out.refused.push_back({mark_of(after, path), path, text_of(is),
                           "it is " + text_of(was) + " as long as the gateway runs: restart it, or put that back"});
  });
  // Their order is what PortIds, queues and workers come from.
  const auto names = [](const Config& config) {
    std::vector<std::string> all;
    for (const Port& port : config.ports) all.push_back(port.name);
    return all;
  };
  if (names(before) == names(after) || !out.refused.empty()) return;
  out.changes.push_back({Kind::changed, "ports", "another order"});
  out.refused.push_back({{}, "ports", "another order", "restart the gateway, or put it back"});
}

// A window that begins anew would take packets again, and one of another size cannot stand in for it.
void refuse_other_windows(Difference& out, const Config& before, const Config& after) {
  std::multimap<std::uint32_t, const SecurityAssociation*> by_spi;
  for (const SecurityAssociation& sa : before.security_associations)
    if (sa.direction == Direction::in) by_spi.emplace(sa.spi, &sa);
  for (const SecurityAssociation& sa : after.security_associations) {
    if (sa.direction != Direction::in) continue;
    const auto [first, last] = by_spi.equal_range(sa.spi);
    const bool changes = std::any_of(first, last, [&](const auto& entry) {
      return has_same_key(*entry.second, sa) && !is_same_sa(*entry.second, sa);
    });
    if (changes)
      out.refused.push_back({sa.mark,
                             "ipsec.security_associations " + sa.name,
                             {},
                             "algorithm, esn and replay_window stay as long as SPI and key do: give it new ones, or "
                             "restart the gateway"});
  }
}

std::span<const std::uint8_t> key_of(const SecurityAssociation* sa) { return sa->key.bytes(); }

bool is_less(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) {
  return std::ranges::lexicographical_compare(a, b);
}

// RFC 4106 section 3.1: a key that one end has counted nonces with, the other one would count with again.
void refuse_turned_keys(Difference& out, const Config& before, const Config& after) {
  std::vector<const SecurityAssociation*> were;
  for (const SecurityAssociation& sa : before.security_associations) were.push_back(&sa);
  std::ranges::sort(were, is_less, key_of);
  for (const SecurityAssociation& sa : after.security_associations) {
    auto at = std::ranges::lower_bound(were, sa.key.bytes(), is_less, key_of);
    for (; at != were.end() && has_same_key(**at, sa); ++at)
      if ((*at)->direction != sa.direction) break;
    if (at != were.end() && has_same_key(**at, sa))
      out.refused.push_back({sa.mark,
                             "ipsec.security_associations " + sa.name,
                             {},
                             "its key is that of SA '" + (*at)->name +
                                 "', of the other direction: give it one of its own, or nonces repeat (RFC 4106 "
                                 "section 3.1)"});
  }
}

std::string port_and(const std::string& port, wire::Ipv4Address address) {
  return wire::to_string(address) + " on " + port;
}

}  // namespace

bool is_same_sa(const SecurityAssociation& a, const SecurityAssociation& b) {
  if (a.direction != b.direction || a.spi != b.spi || a.algorithm != b.algorithm || a.esn != b.esn ||
      !has_same_key(a, b))
    return false;
  if (a.direction == Direction::in) return a.replay_window == b.replay_window;
  const auto ports = [](const SecurityAssociation& sa) {
    const UdpEncap udp = sa.udp_encap.value_or(UdpEncap{0, 0});
    return std::pair(udp.source_port, udp.destination_port);
  };
  return a.source == b.source && a.destination == b.destination && ports(a) == ports(b);
}

Difference difference(const Config& before, const Config& after) {
  Difference out;
  compare_settings(out, before, after);
  compare_entries(
      out, "neighbors", before.neighbors, after.neighbors,
      [](const Neighbor& of) { return port_and(of.port, of.address); }, how_json<Neighbor, Neighbor>);
  compare_entries(
      out, "ipsec.security_associations", before.security_associations, after.security_associations,
      [](const SecurityAssociation& of) { return of.name; }, how_sa);
  compare_entries(
      out, "srv6.local_sids", before.local_sids, after.local_sids,
      [](const LocalSid& of) { return wire::to_string(of.sid); }, how_json<LocalSid, LocalSid>);
  compare_entries(
      out, "srv6.policies", before.policies, after.policies, [](const Policy& of) { return of.name; },
      how_json<Policy, Policy>);
  compare_entries(
      out, "routes", before.routes, after.routes, [](const Route& of) { return wire::to_string(of.prefix); },
      how_json<Route, Route>);
  compare_entries(
      out, "bypass", before.bypass, after.bypass, [](const Bypass& of) { return text_of(describe_json(of)); },
      [](const Bypass&, const Bypass&) { return std::string(); });
  refuse_other_windows(out, before, after);
  refuse_turned_keys(out, before, after);
  return out;
}

std::string to_string(const Change& change) {
  constexpr std::array<const char*, 3> kSigns{"+ ", "- ", "~ "};
  const std::string text = kSigns[static_cast<std::size_t>(change.kind)] + change.what;
  return change.how.empty() ? text : text + ": " + change.how;
}

}  // namespace strata::config
