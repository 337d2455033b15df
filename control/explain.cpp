#include "control/explain.hpp"

#include <algorithm>
#include <cstdio>

#include "dataplane/wire/arp.hpp"
#include "dataplane/wire/ethernet.hpp"
#include "dataplane/wire/ipv4.hpp"
#include "dataplane/wire/ipv6.hpp"

namespace strata {
namespace {

std::string hex(std::uint32_t value) {
  char text[11];
  std::snprintf(text, sizeof text, "0x%08x", value);
  return text;
}

std::string ipv4_pair(wire::Bytes packet) {
  if (packet.size() < wire::kIpv4MinHeaderLength) return "cut short";
  return wire::to_string(wire::read_ipv4(&packet[12])) + " > " + wire::to_string(wire::read_ipv4(&packet[16]));
}

std::string ipv6_pair(wire::Bytes packet) {
  if (packet.size() < wire::kIpv6HeaderLength) return "cut short";
  return wire::to_string(wire::read_ipv6(&packet[8])) + " > " + wire::to_string(wire::read_ipv6(&packet[24]));
}

}  // namespace

Names::Names(const config::Config& config, const Places& places) : config_(config) {
  for (std::size_t i = 0; i < config.security_associations.size(); ++i) {
    const config::SecurityAssociation& sa = config.security_associations[i];
    std::vector<std::string>& names = sa.direction == config::Direction::in ? sas_ : out_sas_;
    names.resize(std::max<std::size_t>(names.size(), places.sas[i] + 1));
    names[places.sas[i]] = sa.name;
  }
}

const std::string& Names::in(const std::vector<std::string>& names, std::size_t place) {
  static const std::string gone = "(gone)";
  return place < names.size() && !names[place].empty() ? names[place] : gone;
}

std::string Teller::tell(const Row<stage::Frame>&, wire::Bytes) const { return {}; }

std::string Teller::tell(const Row<stage::Host>&, wire::Bytes) const { return "IPv4 to an own address"; }

std::string Teller::tell(const Row<stage::EspIn>& row, wire::Bytes bytes) const {
  return "SA " + names_.sa(row.from.sa()) + ", SPI " + hex(wire::load_be32(bytes.data())) + ", sequence " +
         std::to_string(wire::load_be32(bytes.data() + 4));
}

std::string Teller::tell(const Row<stage::Ip6>& row, wire::Bytes bytes) const {
  const std::string how = row.from.sa().is_none() ? "in clear, IPv6 " : "ICV right, inside is IPv6 ";
  return how + ipv6_pair(bytes);
}

std::string Teller::tell(const Row<stage::Sr6>& row, wire::Bytes) const {
  return "SID " + wire::to_string(tables_.sids[row.sid].prefix) + ", End.DX4";
}

std::string Teller::tell(const Row<stage::Ip4>& row, wire::Bytes bytes) const {
  if (row.adj.is_none()) return "in clear, IPv4 " + ipv4_pair(bytes);
  const Adjacency& adj = adjacencies_[row.adj];
  if (adj.port.is_none()) return "IPv4 " + ipv4_pair(bytes) + " to a next hop that is gone";
  return "IPv4 " + ipv4_pair(bytes) + " to " + wire::to_string(adj.address) + " on " + names_.port(adj.port);
}

std::string Teller::tell(const Row<stage::Steered>& row, wire::Bytes) const {
  return "SRv6 policy " + names_.policy(row.policy);
}

std::string Teller::tell(const Row<stage::Sr6Out>& row, wire::Bytes bytes) const {
  return "IPv6 " + ipv6_pair(bytes) + ", to be sealed by SA " + names_.sa(row.sa);
}

std::string Teller::tell(const Row<stage::Out>& row, wire::Bytes bytes) const {
  return "out of " + names_.port(row.port) + " to " + wire::to_string(wire::read_mac(bytes.data()));
}

std::string Teller::tell(const Row<stage::Arp>&, wire::Bytes bytes) const {
  const auto [arp, fault] = wire::ArpView::check(bytes);
  if (fault != wire::ArpFault::none) return "ARP, damaged";
  if (arp.operation() == wire::kArpReply)
    return "ARP, " + wire::to_string(arp.sender_ip()) + " is at " + wire::to_string(arp.sender_mac());
  return "ARP, " + wire::to_string(arp.sender_ip()) + " asks for " + wire::to_string(arp.target_ip());
}

std::string Teller::tell(const Row<stage::Fragment>&, wire::Bytes bytes) const {
  return "a fragment, offset " + std::to_string((wire::load_be16(&bytes[6]) & 0x1fff) * 8);
}

std::string Teller::tell(const Row<stage::Local>&, wire::Bytes bytes) const {
  return "for this machine, IPv4 " + ipv4_pair(bytes);
}

std::string Teller::tell(const Row<stage::Unresolved>& row, wire::Bytes) const {
  return "the MAC address of " + wire::to_string(adjacencies_[row.waits_for].address) + " is not known";
}

std::string Teller::tell(const Row<stage::Oversize>& row, wire::Bytes bytes) const {
  return std::to_string(bytes.size()) + " octets, to leave in fragments of at most " + std::to_string(row.mtu);
}

std::string Teller::tell(const Row<stage::Refused>& row, wire::Bytes) const {
  return "cannot go on, " + std::string(text_of(row.cause.value()).name);
}

std::string Teller::tell(const Row<stage::Made>&, wire::Bytes bytes) const { return "made IPv4 " + ipv4_pair(bytes); }

}  // namespace strata
