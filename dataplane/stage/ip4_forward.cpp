#include "dataplane/stage/ip4_forward.hpp"

#include "dataplane/stage/ip4_rules.hpp"
#include "dataplane/wire/tcp.hpp"

namespace strata {
namespace {

using stage::Ip4;
using ForwardCause = Ip4ForwardEnds::cause_type;

struct Forward {
  const Tables& tables;
  Neighbors& neighbors;
  Audit& audit;
  Burst<stage::Steered>& steered;
  Burst<stage::Oversize>& oversize;
  Burst<stage::Unresolved>& unresolved;
  Burst<stage::Fragment>& fragments;
  Burst<stage::Local>& local;
  Burst<stage::Refused>& refused;
  Burst<stage::Out>& out;
  Ip4ForwardEnds ends;

  Done input(Packet<Ip4> packet, const Row<Ip4>& row, const Route& route) const;
  [[gnu::noinline]] Done deliver(Packet<Ip4> packet, const Row<Ip4>& row, const wire::Ipv4View& ip) const;
  [[gnu::noinline]] Done connected(Packet<Ip4> packet, const Row<Ip4>& row, const wire::Ipv4View& ip,
                                   PortId port) const;
  Done send(Packet<Ip4> packet, const Row<Ip4>& row, const wire::Ipv4View& ip, AdjId<V4> id) const;
  Done steer(Packet<Ip4> packet, const Row<Ip4>& row, const wire::Ipv4View& ip, PolicyId id) const;
  [[gnu::noinline]] Done too_big(Packet<Ip4> packet, const Row<Ip4>& row, const wire::Ipv4View& ip, NextHop next_hop,
                                 std::uint16_t mtu) const;
  [[gnu::noinline]] Done refuse(Packet<Ip4> packet, const Row<Ip4>& row, const wire::Ipv4View& ip, RefusedCause cause,
                                IcmpError error, std::uint16_t mtu = 0) const {
    return Gate::refused(std::move(packet), as_it_came(row), ip.total_length(), cause, error, mtu, refused);
  }
  // A SID that takes what came in clear lets it pass to its own next hop; for the host itself, and what that answers,
  // it is still a packet of the port that it came in by.
  Row<Ip4> as_it_came(const Row<Ip4>& row) const {
    Row<Ip4> same = row;
    if (same.from.side == Side::either_side) same.from.side = tables.ports[same.from.port.index()].side;
    return same;
  }
};

// What a router changes in a packet that it passes on (RFC 1812 section 5.3.1, RFC 6040 section 4.2).
void rewrite(Packet<Ip4>& packet, const Row<Ip4>& row, const wire::Ipv4View& ip, Audit& audit) {
  std::uint8_t* header = packet.bytes().data();
  if (row.carried != static_cast<wire::Ecn>(ip.ecn())) [[unlikely]] {
    const wire::EcnDecap ecn = wire::ecn_decapsulate(row.carried, static_cast<wire::Ecn>(ip.ecn()));
    audit.note_ecn(ecn);
    wire::ipv4_set_ecn(header, static_cast<std::uint8_t>(ecn.result));
  }
  wire::ipv4_decrement_ttl(header);
}

// RFC 1812 section 5.2.6. What is rewritten is copied into each fragment.
Done Forward::too_big(Packet<Ip4> packet, const Row<Ip4>& row, const wire::Ipv4View& ip, NextHop next_hop,
                      std::uint16_t mtu) const {
  if (ip.dont_fragment())
    return refuse(std::move(packet), row, ip, Cause::ip4_too_big, IcmpError::fragmentation_needed, mtu);
  rewrite(packet, row, ip, audit);
  return Gate::oversize(std::move(packet), row, ip.total_length(), next_hop, mtu, oversize);
}

Done Forward::send(Packet<Ip4> packet, const Row<Ip4>& row, const wire::Ipv4View& ip, AdjId<V4> id) const {
  const Adjacency& adj = neighbors[id];
  if (crosses_unbidden(row.from, adj.side, tables.bypass, ip)) [[unlikely]]
    return ends.end(std::move(packet), Cause::policy_boundary);
  if (!adj.resolved) [[unlikely]]
    return Gate::unresolved(std::move(packet), row, id, unresolved);
  const std::size_t total = ip.total_length();
  if (total > adj.mtu) [[unlikely]]
    return too_big(std::move(packet), row, ip, NextHop(id), adj.mtu);
  rewrite(packet, row, ip, audit);
  return Gate::linked(std::move(packet), row, total, adj.header, adj.port, out);
}

// A policy leads to the peer's protected side: what comes in clear from the unprotected one has no business there.
Done Forward::steer(Packet<Ip4> packet, const Row<Ip4>& row, const wire::Ipv4View& ip, PolicyId id) const {
  if (crosses_unbidden(row.from, Side::protected_side, tables.bypass, ip)) [[unlikely]]
    return ends.end(std::move(packet), Cause::policy_boundary);
  const Policy::Way& way = tables.policies[id].way();
  if (!way.adj.is_none() && !neighbors[way.adj].resolved) [[unlikely]]
    return Gate::unresolved(std::move(packet), row, way.adj, unresolved);
  const std::size_t total = ip.total_length();
  if (total > way.mtu) [[unlikely]]
    return too_big(std::move(packet), row, ip, NextHop(id), way.mtu);
  rewrite(packet, row, ip, audit);
  if (way.mss != 0) wire::clamp_tcp_mss(packet.bytes().first(total), way.mss);
  return Gate::steered(std::move(packet), row, total, id, steered);
}

// On a link of ours, with no adjacency of its own yet.
Done Forward::connected(Packet<Ip4> packet, const Row<Ip4>& row, const wire::Ipv4View& ip, PortId port) const {
  const Adjacency& link = tables.link_of(port);
  if (crosses_unbidden(row.from, link.side, tables.bypass, ip)) [[unlikely]]
    return ends.end(std::move(packet), Cause::policy_boundary);
  const AdjId<V4> id = neighbors.find_or_add(port, ip.destination(), link);
  if (id.is_none()) [[unlikely]]
    return ends.end(std::move(packet), Cause::adj_table_full);
  return send(std::move(packet), row, ip, id);
}

// Out of End.DX4 too: RFC 1812 section 5.2.3 asks for this before any way out of here.
Done Forward::deliver(Packet<Ip4> packet, const Row<Ip4>& row, const wire::Ipv4View& ip) const {
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

Done Forward::input(Packet<Ip4> packet, const Row<Ip4>& row, const Route& route) const {
  const auto [ip, fault] = wire::Ipv4View::check(std::as_const(packet).bytes());
  if (fault != wire::Ipv4Fault::none) [[unlikely]]
    return ends.end(std::move(packet), cause_of<ForwardCause>(fault));
  if (is_martian_source(ip.source(), tables.own4) || is_link_local(ip.source())) [[unlikely]]
    return ends.end(std::move(packet), Cause::ip4_martian_source);
  const OwnAddress* mine = tables.own4.find(ip.destination());
  if (const auto refused_for = refuse_destination<ForwardCause>(ip.destination(), mine)) [[unlikely]]
    return ends.end(std::move(packet), *refused_for);
  if (wire::ecn_decapsulate(row.carried, static_cast<wire::Ecn>(ip.ecn())).drop) [[unlikely]]
    return ends.end(std::move(packet), Cause::ip4_ce_not_ect);
  if (mine != nullptr) [[unlikely]]
    return deliver(std::move(packet), row, ip);
  if (ip.ttl() <= 1) [[unlikely]]
    return refuse(std::move(packet), row, ip, Cause::ip4_ttl_exceeded, IcmpError::time_exceeded);
  if (!row.adj.is_none()) return send(std::move(packet), row, ip, row.adj);
  switch (route.kind) {
    [[likely]] case RouteKind::adjacency : return send(std::move(packet), row, ip, AdjId<V4>(route.index));
    case RouteKind::policy: return steer(std::move(packet), row, ip, PolicyId(route.index));
    case RouteKind::connected:
      return connected(std::move(packet), row, ip, PortId(static_cast<std::uint8_t>(route.index)));
    case RouteKind::none: break;
  }
  return refuse(std::move(packet), row, ip, Cause::ip4_no_route, IcmpError::net_unreachable);
}

// The routes of those packets that need one, all in one look-up. A destination is read where the header may yet turn
// out to be broken; then its route is not used.
void find_routes(const Burst<Ip4>& in, const RouteTable& table, const PolicyTable& policies,
                 std::array<Route, kBurstSize>& routes) {
  std::array<wire::Ipv4Address, kBurstSize> destinations;
  std::array<Route, kBurstSize> found;
  std::array<std::uint8_t, kBurstSize> places;
  std::size_t n = 0;
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (!in.row(i).adj.is_none() || in.bytes(i).size() < wire::kIpv4MinHeaderLength) continue;
    destinations[n] = wire::read_ipv4(in.bytes(i).data() + 16);
    places[n++] = static_cast<std::uint8_t>(i);
  }
  if (n == 0) return;
  table.find(destinations.data(), found.data(), n);
  for (std::size_t k = 0; k < n; ++k) {
    routes[places[k]] = found[k];
    if (found[k].kind == RouteKind::policy) __builtin_prefetch(&policies[PolicyId(found[k].index)]);
  }
}

}  // namespace

void ip4_forward(Burst<Ip4>& in, const Tables& tables, Neighbors& neighbors, Audit& audit,
                 Burst<stage::Steered>& steered, Burst<stage::Oversize>& oversize, Burst<stage::Unresolved>& unresolved,
                 Burst<stage::Fragment>& fragments, Burst<stage::Local>& local, Burst<stage::Refused>& refused,
                 Burst<stage::Out>& out, Ip4ForwardEnds ends) {
  std::array<Route, kBurstSize> routes;
  find_routes(in, tables.routes, tables.policies, routes);
  const Forward stage{tables, neighbors, audit, steered, oversize, unresolved, fragments, local, refused, out, ends};
  in.drain([&](Packet<Ip4> packet, const Row<Ip4>& row, std::size_t i) -> Done {
    return stage.input(std::move(packet), row, routes[i]);
  });
}

}  // namespace strata
