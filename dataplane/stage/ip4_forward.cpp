#include "dataplane/stage/ip4_forward.hpp"

#include "dataplane/prefetch.hpp"
#include "dataplane/wire/tcp.hpp"

namespace strata {

using stage::Ip4;

Done Ip4ForwardRest::refuse(Packet<Ip4> packet, Row<Ip4> row, RefusedCause cause, IcmpError error,
                            std::uint16_t mtu) const {
  const auto ip = wire::Ipv4View::of_checked(packet.bytes());
  return Gate::refused(std::move(packet), as_it_came(row), ip.total_length(), cause, error, mtu, refused);
}

Row<Ip4> Ip4ForwardRest::as_it_came(Row<Ip4> row) const {
  row.from = strata::as_it_came(row.from, tables);
  return row;
}

// RFC 1812 section 5.2.6. What is rewritten is copied into each fragment.
Done Ip4ForwardRest::too_big(Packet<Ip4> packet, Row<Ip4> row, NextHop next_hop, std::uint16_t mtu) const {
  const auto ip = wire::Ipv4View::of_checked(packet.bytes());
  if (ip.dont_fragment())
    return refuse(std::move(packet), row, Cause::ip4_too_big, IcmpError::fragmentation_needed, mtu);
  rewrite_on_the_way(packet, row, ip, audit);
  if (next_hop.is_policy()) {
    const std::uint16_t mss = tables.policies[next_hop.policy()].way().mss;
    if (mss != 0) clamp_mss(packet.bytes().first(ip.total_length()), mss);
  }
  return Gate::oversize(std::move(packet), row, ip.total_length(), next_hop, mtu, oversize);
}

// On a link of ours, with no adjacency of its own yet.
Done Ip4ForwardRest::connected(Packet<Ip4> packet, Row<Ip4> row, PortId port) const {
  const auto ip = wire::Ipv4View::of_checked(packet.bytes());
  const Adjacency& link = tables.link_of(port);
  if (crosses_unbidden(row.from, link.side, tables.bypass, ip)) [[unlikely]]
    return ends.end(std::move(packet), Cause::policy_boundary);
  const AdjId<V4> id = neighbors.find_or_add(port, ip.destination(), link);
  if (id.is_none()) [[unlikely]]
    return ends.end(std::move(packet), Cause::adj_table_full);
  return send(std::move(packet), row, ip, id);
}

// Out of End.DX4 too: RFC 1812 section 5.2.3 asks for this before any way out of here.
Done Ip4ForwardRest::deliver(Packet<Ip4> packet, Row<Ip4> row) const {
  const auto ip = wire::Ipv4View::of_checked(packet.bytes());
  const wire::EcnDecap ecn = wire::ecn_decapsulate(row.carried, static_cast<wire::Ecn>(ip.ecn()));
  audit.note_ecn(ecn);
  if (ecn.result != static_cast<wire::Ecn>(ip.ecn()))
    wire::ipv4_set_ecn(packet.bytes().data(), static_cast<std::uint8_t>(ecn.result));
  if (ip.is_fragment()) {
    if (!tables.reassembly.enabled) return ends.end(std::move(packet), Cause::ip4_fragment);
    return Gate::fragment(std::move(packet), as_it_came(row), ip.total_length(), ecn.result, ip.protocol(), fragments);
  }
  return Gate::local(std::move(packet), as_it_came(row), ip.total_length(), local);
}

void Ip4ForwardRest::clamp_mss(std::span<std::uint8_t> packet, std::uint16_t mss) { wire::clamp_tcp_mss(packet, mss); }

// A destination is read where the header may yet turn out to be broken, or where a cross-connect has the way, and is
// 0.0.0.0 where there is too little of a packet: then its route is not used.
BurstRoutes::BurstRoutes(const Burst<Ip4>& in, const RouteTable& table, const PolicyTable& policies) {
  if (in.empty()) return;
  const auto destination_of = [&](std::size_t i) {
    const wire::Bytes packet = in.bytes(i);
    return packet.size() >= wire::kIpv4MinHeaderLength ? wire::read_ipv4(packet.data() + 16) : wire::Ipv4Address{};
  };
  std::array<wire::Ipv4Address, kBurstSize> destinations;
  destinations[0] = destination_of(0);
  std::size_t last = 0;
  for (std::size_t i = 0; i < in.size(); ++i) {
    const wire::Ipv4Address destination = destination_of(i);
    last += destination != destinations[last];  // no branch: who sends mixes them as they like
    destinations[last] = destination;
    which_[i] = static_cast<std::uint8_t>(last);
  }
  n_ = last + 1;
  table.find(destinations.data(), found_.data(), n_);
  for (const Route& route : found())
    if (route.kind == RouteKind::policy) prefetch_line(&policies[PolicyId(route.index)]);
}

void ip4_forward(Burst<Ip4>& in, const Tables& tables, Neighbors& neighbors, Audit& audit,
                 Burst<stage::Steered>& steered, Burst<stage::Oversize>& oversize, Burst<stage::Unresolved>& unresolved,
                 Burst<stage::Fragment>& fragments, Burst<stage::Local>& local, Burst<stage::Refused>& refused,
                 Burst<stage::Out>& out, Ip4ForwardEnds ends) {
  const BurstRoutes routes(in, tables.routes, tables.policies);
  drain_routed(in, routes,
               Ip4ForwardStep<Burst<stage::Steered>>(
                   {tables, neighbors, audit, oversize, unresolved, fragments, local, refused, out, ends}, steered));
}

}  // namespace strata
