#include "dataplane/stage/arp_input.hpp"

#include "dataplane/stage/ip4_rules.hpp"
#include "dataplane/wire/arp.hpp"

namespace strata {
namespace {

using stage::Arp;

// Nobody's MAC address: zero, or of a group (IEEE 802.3: the lowest bit of the first octet).
bool is_no_station(const wire::MacAddress& mac) { return mac == wire::MacAddress{} || (mac.octets[0] & 1) != 0; }

struct ArpInput {
  Tables& tables;
  Neighbors& neighbors;
  std::uint64_t now_ns;
  Heard& heard;
  Burst<stage::Out>& out;
  ArpInputEnds ends;

  Done input(Packet<Arp> packet, const Row<Arp>& row) const;
  Done of_kernel(Packet<Arp> packet, const Row<Arp>& row, const wire::ArpView& arp) const;
  Done answer(Packet<Arp> packet, const Row<Arp>& row, const wire::ArpView& arp) const;
  bool on_link(PortId port, wire::Ipv4Address address) const;
  void merge(const Row<Arp>& row, const wire::ArpView& arp, bool add) const;
};

bool ArpInput::on_link(PortId port, wire::Ipv4Address address) const {
  for (const wire::Ipv4Prefix& subnet : tables.ports[port.index()].addresses)
    if (wire::contains(subnet, address)) return true;
  return false;
}

// RFC 826: what is known of the sender already is renewed; it is added only if it speaks to us. A next hop that is not
// on the link is known from the configuration.
void ArpInput::merge(const Row<Arp>& row, const wire::ArpView& arp, bool add) const {
  AdjId<V4> id = neighbors.find(row.from.port(), arp.sender_ip());
  if (id.is_none() && add && on_link(row.from.port(), arp.sender_ip())) {
    id = neighbors.find_or_add(row.from.port(), arp.sender_ip(), tables.link_of(row.from.port()));
  }
  if (id.is_none()) return;
  neighbors.learn(id, arp.sender_mac(), now_ns);
  heard.note(id);
}

Done ArpInput::answer(Packet<Arp> packet, const Row<Arp>& row, const wire::ArpView& arp) const {
  const wire::MacAddress& mine = tables.ports[row.from.port().index()].mac;
  std::array<std::uint8_t, wire::kArpLength> reply;
  wire::write_arp(reply.data(), wire::kArpReply, mine, arp.target_ip(), arp.sender_mac(), arp.sender_ip());
  EthernetHeader header;
  wire::write_ethernet(header.data(), arp.sender_mac(), mine, wire::kEtherArp);
  return Gate::arp_answered(std::move(packet), row, reply, header, out);
}

// The kernel is told that every next hop is here; its own MAC address is the one it asks from.
Done ArpInput::of_kernel(Packet<Arp> packet, const Row<Arp>& row, const wire::ArpView& arp) const {
  if (arp.operation() != wire::kArpRequest) return ends.end(std::move(packet), Cause::arp_other);
  const wire::MacAddress mac = arp.sender_mac();
  std::copy(mac.octets.begin(), mac.octets.end(), tables.adjacencies.at(tables.host).header.begin());
  const OwnAddress* target = tables.own4.find(arp.target_ip());
  if (target != nullptr || arp.target_ip() == arp.sender_ip()) return ends.end(std::move(packet), Cause::arp_other);
  return answer(std::move(packet), row, arp);
}

Done ArpInput::input(Packet<Arp> packet, const Row<Arp>& row) const {
  const auto [arp, fault] = wire::ArpView::check(std::as_const(packet).bytes());
  if (fault != wire::ArpFault::none) return ends.end(std::move(packet), Cause::arp_malformed);
  if (is_no_station(arp.sender_mac())) return ends.end(std::move(packet), Cause::arp_martian);
  if (tables.ports[row.from.port().index()].is_host) return of_kernel(std::move(packet), row, arp);
  if (!neighbors.settings().enabled) return ends.end(std::move(packet), Cause::arp_off);

  const wire::Ipv4Address sender = arp.sender_ip();
  const bool probe = sender == wire::Ipv4Address{};  // RFC 5227 section 1.1: asks before it takes an address
  const OwnAddress* mine = tables.own4.find(sender);
  if (mine != nullptr && mine->kind == OwnKind::own && mine->port == row.from.port())
    return ends.end(std::move(packet), Cause::arp_conflict);
  const bool known = !neighbors.find(row.from.port(), sender).is_none();
  if (!probe && (mine != nullptr || is_never_unicast(sender) || !(known || on_link(row.from.port(), sender))))
    return ends.end(std::move(packet), Cause::arp_martian);

  const OwnAddress* target = tables.own4.find(arp.target_ip());
  const bool for_us = target != nullptr && target->kind == OwnKind::own && target->port == row.from.port();
  if (arp.operation() == wire::kArpRequest && for_us) {
    if (!probe) merge(row, arp, true);
    return answer(std::move(packet), row, arp);
  }
  if (!probe) merge(row, arp, false);
  if (arp.operation() == wire::kArpReply) return ends.end(std::move(packet), Cause::arp_reply);
  return ends.end(std::move(packet), Cause::arp_other);
}

}  // namespace

void arp_input(Burst<Arp>& in, Tables& tables, Neighbors& neighbors, std::uint64_t now_ns, Heard& heard,
               Burst<stage::Out>& out, ArpInputEnds ends) {
  const ArpInput stage{tables, neighbors, now_ns, heard, out, ends};
  in.drain([&](Packet<Arp> packet, const Row<Arp>& row) -> Done { return stage.input(std::move(packet), row); });
}

}  // namespace strata
