#include "config/sections.hpp"

namespace strata::config {
namespace {

std::string quoted(std::string_view name) { return "'" + std::string(name) + "'"; }

std::string subnets_of(const Port& port) {
  std::string out;
  for (const wire::Ipv4Prefix& p : port.addresses) {
    out += (out.empty() ? "" : ", ") + wire::to_string(wire::network_of(p));
  }
  return out;
}

// An IPv4 subnet's first and last address are not a host's, unless it has only these two (RFC 3021) or one.
std::string_view not_a_host(const wire::Ipv4Prefix& subnet, wire::Ipv4Address a) {
  if (subnet.length > 30) return {};
  const std::uint32_t mask = wire::mask_of(subnet);
  if ((a.value & ~mask) == 0) return "network";
  if ((a.value | mask) == 0xffffffff) return "broadcast";
  return {};
}

// `address` or `subnet` of a kind: notes when another port has it.
template <class Address, class Prefix>
void check_one(Problems& problems, const Value& value, const Prefix& prefix, std::string_view port,
               std::map<Address, std::pair<std::string, Mark>>& own, std::map<Prefix, std::string>& subnets) {
  const auto [it, is_new] = own.try_emplace(prefix.address, std::string(port), value.mark());
  if (!is_new) {
    problems.refuse(value, "already an address of port " + quoted(it->second.first) + " (" +
                               at_line(it->second.second) + "); allowed: each address once");
    return;
  }
  const auto [subnet, is_new_subnet] = subnets.try_emplace(wire::network_of(prefix), port);
  if (!is_new_subnet && subnet->second != port) {
    problems.refuse(value, "the subnet " + wire::to_string(subnet->first) + " is on port " + quoted(subnet->second) +
                               " already; allowed: a subnet on one port");
  }
}

}  // namespace

void Interfaces::add(const Facts& facts) {
  by_name_.emplace(ports_->back().name, facts_.size());
  facts_.push_back(facts);
}

std::optional<std::size_t> Interfaces::find(Problems& problems, const Mapping& mapping, std::string_view key) const {
  const std::optional<std::string> name = mapping.text(key);
  if (!name) return std::nullopt;
  if (const auto it = by_name_.find(*name); it != by_name_.end()) return it->second;
  std::vector<std::string_view> names;
  for (const Port& port : *ports_) names.push_back(port.name);
  const std::string allowed = names.empty() ? "a key of 'ports'" : join(names);
  problems.refuse(*mapping.value(key), "no port has this name; " + did_you_mean(*name, names) + "allowed: " + allowed);
  return std::nullopt;
}

void Interfaces::check_next_hop(Problems& problems, const Value& value, std::size_t port,
                                wire::Ipv4Address address) const {
  const Port& p = (*ports_)[port];
  if (const auto it = own4_.find(address); it != own4_.end()) {
    problems.refuse(value, "an own address, of port " + quoted(it->second.first) + "; allowed: a neighbor's address");
    return;
  }
  if (!facts_[port].is_sound) return;
  bool is_inside = false;
  for (const wire::Ipv4Prefix& own : p.addresses) {
    if (!wire::contains(own, address)) continue;
    is_inside = true;
    if (const std::string_view kind = not_a_host(own, address); !kind.empty()) {
      problems.refuse(value, "the " + std::string(kind) + " address of " + wire::to_string(wire::network_of(own)) +
                                 "; allowed: a neighbor's address");
      return;
    }
  }
  if (is_inside) return;
  problems.refuse(value, p.addresses.empty()
                             ? "port " + quoted(p.name) + " has no IPv4 address, so no next hop can be reached there"
                             : "not in a subnet of port " + quoted(p.name) + "; allowed: " + subnets_of(p));
}

void Interfaces::check_sa_end(Problems& problems, const Value& value, wire::Ipv4Address address) {
  const auto own = own4_.find(address);
  if (own == own4_.end()) {
    for (const Facts& facts : facts_) {
      if (!facts.is_sound) return;
    }
    problems.refuse(value, "not an address of this gateway, where the SA must end; allowed: " + own_addresses());
    return;
  }
  const auto it = by_name_.find(own->second.first);
  if (it == by_name_.end()) return;
  Facts& facts = facts_[it->second];
  if (facts.says_side || facts.side_asked) return;
  facts.side_asked = true;
  problems.add({.mark = facts.mark,
                .field = "ports." + it->first + ".side",
                .found = "nothing",
                .message = "must be said, as the SA at " + at_line(value.mark()) +
                           " ends on this port; allowed: protected, unprotected"});
}

void Interfaces::check_address(Problems& problems, const Value& value, const InterfaceAddress& address,
                               std::string_view port) {
  if (const auto* const p4 = std::get_if<wire::Ipv4Prefix>(&address)) {
    check_one(problems, value, *p4, port, own4_, subnets4_);
  } else if (const auto* const p6 = std::get_if<wire::Ipv6Prefix>(&address)) {
    check_one(problems, value, *p6, port, own6_, subnets6_);
  }
}

const std::string* Interfaces::connected(const wire::Ipv4Prefix& prefix) const {
  const auto it = subnets4_.find(prefix);
  return it == subnets4_.end() ? nullptr : &it->second;
}

std::string Interfaces::own_addresses() const {
  std::string out;
  for (const auto& [address, port] : own4_) out += (out.empty() ? "" : ", ") + wire::to_string(address);
  return out.empty() ? "an IPv4 address of a port" : out;
}

}  // namespace strata::config
