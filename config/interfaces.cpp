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

// The addresses of a subnet that are not a host's, by what they are called. IPv4: the first and the last, unless it has
// only these two (RFC 3021) or one. IPv6: the first (RFC 4291 section 2.6.1), unless the same (RFC 6164).
std::vector<std::pair<wire::Ipv4Address, std::string_view>> no_hosts_of(const wire::Ipv4Prefix& subnet) {
  if (subnet.length > 30) return {};
  return {{subnet.address, "network"}, {{subnet.address.value | ~wire::mask_of(subnet)}, "broadcast"}};
}
std::vector<std::pair<wire::Ipv6Address, std::string_view>> no_hosts_of(const wire::Ipv6Prefix& subnet) {
  if (subnet.length > 126) return {};
  return {{subnet.address, "subnet-router anycast"}};
}

// Of two subnets that overlap, the packets to a host in both would go to one port only.
template <class Address, class Prefix>
void check_subnet(Problems& problems, const Value& value, const Prefix& subnet, std::string_view port,
                  const OwnAddresses<Address, Prefix>& own) {
  for (const auto& [other, place] : own.subnets) {
    if (place.port == port || !wire::overlap(subnet, other)) continue;
    problems.refuse(value, "the subnet " + wire::to_string(subnet) + " overlaps " + wire::to_string(other) +
                               " of port " + quoted(place.port) + " (" + at_line(place.mark) +
                               "); allowed: subnets that keep the ports apart");
    return;
  }
  for (const auto& [address, kind] : no_hosts_of(subnet)) {
    const auto it = own.addresses.find(address);
    if (it == own.addresses.end()) continue;
    problems.refuse(value, "the " + std::string(kind) + " address of " + wire::to_string(subnet) +
                               " is the own address " + wire::to_string(address) + " (" + at_line(it->second.mark) +
                               "); allowed: own addresses that a host can have");
    return;
  }
}

template <class Address, class Prefix>
void put(const Prefix& prefix, std::string_view port, Mark mark, OwnAddresses<Address, Prefix>& own) {
  using Own = OwnAddresses<Address, Prefix>;
  const Prefix subnet = wire::network_of(prefix);
  own.addresses.try_emplace(prefix.address, typename Own::Place{.port = std::string(port), .mark = mark});
  own.subnets.try_emplace(subnet, typename Own::Place{.port = std::string(port), .mark = mark});
  for (const auto& [address, kind] : no_hosts_of(subnet)) {
    own.no_hosts.try_emplace(address, typename Own::NoHost{.kind = kind, .subnet = subnet, .mark = mark});
  }
}

// An own address with its subnet: notes what is wrong with it beside the others, and puts it to them.
template <class Address, class Prefix>
void check_one(Problems& problems, const Value& value, const Prefix& prefix, std::string_view port,
               OwnAddresses<Address, Prefix>& own) {
  if (const auto it = own.addresses.find(prefix.address); it != own.addresses.end()) {
    problems.refuse(value, "already an address of port " + quoted(it->second.port) + " (" + at_line(it->second.mark) +
                               "); allowed: each address once");
    return;
  }
  const Prefix subnet = wire::network_of(prefix);
  const auto no_host = own.no_hosts.find(prefix.address);
  const std::size_t mistakes = problems.size();
  check_subnet(problems, value, subnet, port, own);
  if (problems.size() == mistakes && no_host != own.no_hosts.end()) {
    problems.refuse(value, "the " + std::string(no_host->second.kind) + " address of the own subnet " +
                               wire::to_string(no_host->second.subnet) + " (" + at_line(no_host->second.mark) +
                               "); allowed: an address that a host can have");
  }
  put(prefix, port, value.mark(), own);
}

}  // namespace

Interfaces::Interfaces(const std::vector<Port>& ports) : ports_(&ports) {
  for (const Port& port : ports) {
    by_name_.emplace(port.name, facts_.size());
    facts_.push_back({.mark = port.mark});
    for (const wire::Ipv4Prefix& address : port.addresses) put(address, port.name, port.mark, own4_);
    for (const wire::Ipv6Prefix& address : port.addresses6) put(address, port.name, port.mark, own6_);
  }
}

void Interfaces::add(const Facts& facts) {
  by_name_.emplace(ports_->back().name, facts_.size());
  facts_.push_back(facts);
}

std::optional<std::size_t> Interfaces::find(Problems& problems, const Mapping& mapping, std::string_view key) const {
  const std::optional<std::string> name = mapping.text(key);
  if (!name) return std::nullopt;
  const auto it = by_name_.find(*name);
  const bool is_there = it != by_name_.end();
  if (is_there && !(*ports_)[it->second].host) return it->second;
  std::vector<std::string_view> names;
  for (const Port& port : *ports_) {
    if (!port.host) names.push_back(port.name);
  }
  const std::string allowed = "allowed: " + (names.empty() ? "a key of 'ports'" : join(names));
  problems.refuse(*mapping.value(key), is_there ? "it leads to this machine's own kernel (host: true); " + allowed
                                                : "no port has this name; " + did_you_mean(*name, names) + allowed);
  return std::nullopt;
}

bool Interfaces::check_other_host(Problems& problems, const Value& value, wire::Ipv4Address address,
                                  std::string_view who) const {
  const std::string allowed = "; allowed: " + std::string(who) + "'s address";
  if (const auto it = own4_.addresses.find(address); it != own4_.addresses.end()) {
    problems.refuse(value, "an own address, of port " + quoted(it->second.port) + allowed);
    return false;
  }
  if (const auto it = own4_.no_hosts.find(address); it != own4_.no_hosts.end()) {
    problems.refuse(
        value, "the " + std::string(it->second.kind) + " address of " + wire::to_string(it->second.subnet) + allowed);
    return false;
  }
  return true;
}

void Interfaces::check_next_hop(Problems& problems, const Value& value, std::size_t port,
                                wire::Ipv4Address address) const {
  const Port& p = (*ports_)[port];
  if (!check_other_host(problems, value, address, "a neighbor") || !facts_[port].is_sound) return;
  for (const wire::Ipv4Prefix& own : p.addresses) {
    if (wire::contains(own, address)) return;
  }
  problems.refuse(value, p.addresses.empty()
                             ? "port " + quoted(p.name) + " has no IPv4 address, so no next hop can be reached there"
                             : "not in a subnet of port " + quoted(p.name) + "; allowed: " + subnets_of(p));
}

void Interfaces::check_sa_end(Problems& problems, const Value& value, wire::Ipv4Address address) {
  const auto own = own4_.addresses.find(address);
  if (own == own4_.addresses.end()) {
    for (const Facts& facts : facts_) {
      if (!facts.is_sound) return;
    }
    problems.refuse(value, "not an address of this gateway, where the SA must end; allowed: " + own_addresses());
    return;
  }
  const auto it = by_name_.find(own->second.port);
  if (it == by_name_.end()) return;
  Facts& facts = facts_[it->second];
  if ((*ports_)[it->second].says_side || facts.side_asked) return;
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
    check_one(problems, value, *p4, port, own4_);
  } else if (const auto* const p6 = std::get_if<wire::Ipv6Prefix>(&address)) {
    check_one(problems, value, *p6, port, own6_);
  }
}

const std::string* Interfaces::connected(const wire::Ipv4Prefix& prefix) const {
  const auto it = own4_.subnets.find(prefix);
  return it == own4_.subnets.end() ? nullptr : &it->second.port;
}

std::string Interfaces::own_addresses() const {
  std::string out;
  for (const auto& [address, place] : own4_.addresses) out += (out.empty() ? "" : ", ") + wire::to_string(address);
  return out.empty() ? "an IPv4 address of a port" : out;
}

}  // namespace strata::config
