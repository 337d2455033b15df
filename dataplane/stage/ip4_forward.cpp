#include "dataplane/stage/ip4_forward.hpp"

#include "dataplane/stage/ip4_rules.hpp"

namespace strata {
namespace {

using stage::Ip4;
using ForwardCause = Ip4ForwardEnds::cause_type;

struct Forward {
  const Tables& tables;
  Audit& audit;
  Burst<stage::Steered>& steered;
  Burst<stage::Out>& out;
  Ip4ForwardEnds ends;

  Done input(Packet<Ip4> packet, const Row<Ip4>& row, const Route& route) const;
  Done send(Packet<Ip4> packet, const Row<Ip4>& row, const wire::Ipv4View& ip, AdjId<V4> id) const;
  Done steer(Packet<Ip4> packet, const Row<Ip4>& row, const wire::Ipv4View& ip, PolicyId policy) const;
};

// RFC 1812 sections 5.3.7 and 5.3.5: where nothing is forwarded to. Out of End.DX4 no look-up has seen it yet.
std::optional<ForwardCause> refuse_destination(wire::Ipv4Address destination, const OwnIpv4& own) {
  const OwnKind* kind = own.find(destination);
  if (kind != nullptr && *kind == OwnKind::broadcast) return ForwardCause(Cause::ip4_broadcast);
  if (!is_never_unicast(destination) && !is_link_local(destination)) [[likely]]
    return std::nullopt;
  const std::uint32_t first = destination.value >> 24;
  if (first >= 224 && first < 240) return ForwardCause(Cause::ip4_multicast);
  return ForwardCause(Cause::ip4_martian_destination);
}

// RFC 4301 section 3.1: what comes in clear on one side does not leave on the other, unless a rule lets it. What an SA
// protected on its way here is on the protected side, and does not leave on the other in clear either.
bool crosses_unbidden(const Row<Ip4>& row, Side to, const Tables& tables, const wire::Ipv4View& ip) {
  if (row.from.side == to || row.from.side == Side::either_side) [[likely]]
    return false;
  return !row.from.sa.is_none() || !bypass_allows(tables.bypass, ip);
}

ForwardCause unusable(RouteKind kind) {
  if (kind == RouteKind::connected) return Cause::adj_unresolved;
  return Cause::ip4_no_route;
}

// What a router changes in a packet that it passes on (RFC 1812 section 5.3.1, RFC 6040 section 4.2).
void rewrite(Packet<Ip4>& packet, const Row<Ip4>& row, const wire::Ipv4View& ip, Audit& audit) {
  const wire::EcnDecap ecn = wire::ecn_decapsulate(row.carried, static_cast<wire::Ecn>(ip.ecn()));
  audit.note_ecn(ecn);
  std::uint8_t* header = packet.bytes().data();
  if (ecn.result != static_cast<wire::Ecn>(ip.ecn())) [[unlikely]]
    wire::ipv4_set_ecn(header, static_cast<std::uint8_t>(ecn.result));
  wire::ipv4_decrement_ttl(header);
}

Done Forward::send(Packet<Ip4> packet, const Row<Ip4>& row, const wire::Ipv4View& ip, AdjId<V4> id) const {
  const Adjacency& adj = tables.adjacencies[id];
  if (crosses_unbidden(row, adj.side, tables, ip)) [[unlikely]]
    return ends.end(std::move(packet), Cause::policy_boundary);
  if (!adj.resolved) [[unlikely]]
    return ends.end(std::move(packet), Cause::adj_unresolved);
  rewrite(packet, row, ip, audit);
  const std::size_t total = ip.total_length();
  return Gate::linked(std::move(packet), row, total, adj.header, adj.port, out);
}

// A policy leads to the peer's protected side: what comes in clear from the unprotected one has no business there.
Done Forward::steer(Packet<Ip4> packet, const Row<Ip4>& row, const wire::Ipv4View& ip, PolicyId policy) const {
  if (crosses_unbidden(row, Side::protected_side, tables, ip)) [[unlikely]]
    return ends.end(std::move(packet), Cause::policy_boundary);
  rewrite(packet, row, ip, audit);
  const std::size_t total = ip.total_length();
  return Gate::steered(std::move(packet), row, total, policy, steered);
}

Done Forward::input(Packet<Ip4> packet, const Row<Ip4>& row, const Route& route) const {
  const auto [ip, fault] = wire::Ipv4View::check(std::as_const(packet).bytes());
  if (fault != wire::Ipv4Fault::none) [[unlikely]]
    return ends.end(std::move(packet), cause_of<ForwardCause>(fault));
  if (is_martian_source(ip.source(), tables.own4) || is_link_local(ip.source())) [[unlikely]]
    return ends.end(std::move(packet), Cause::ip4_martian_source);
  if (const auto refused = refuse_destination(ip.destination(), tables.own4)) [[unlikely]]
    return ends.end(std::move(packet), *refused);
  if (wire::ecn_decapsulate(row.carried, static_cast<wire::Ecn>(ip.ecn())).drop) [[unlikely]]
    return ends.end(std::move(packet), Cause::ip4_ce_not_ect);
  if (ip.ttl() <= 1) [[unlikely]]
    return ends.end(std::move(packet), Cause::ip4_ttl_exceeded);
  if (!row.adj.is_none()) return send(std::move(packet), row, ip, row.adj);
  if (route.kind == RouteKind::adjacency) [[likely]]
    return send(std::move(packet), row, ip, AdjId<V4>(route.index));
  if (route.kind == RouteKind::policy) return steer(std::move(packet), row, ip, PolicyId(route.index));
  return ends.end(std::move(packet), unusable(route.kind));
}

// The routes of those packets that need one, all in one look-up. A destination is read where the header may yet turn
// out to be broken; then its route is not used.
void find_routes(const Burst<Ip4>& in, const RouteTable& table, std::array<Route, kBurstSize>& routes) {
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
  for (std::size_t k = 0; k < n; ++k) routes[places[k]] = found[k];
}

}  // namespace

void ip4_forward(Burst<Ip4>& in, const Tables& tables, Audit& audit, Burst<stage::Steered>& steered,
                 Burst<stage::Out>& out, Ip4ForwardEnds ends) {
  std::array<Route, kBurstSize> routes;
  find_routes(in, tables.routes, routes);
  const Forward stage{tables, audit, steered, out, ends};
  in.drain([&](Packet<Ip4> packet, const Row<Ip4>& row, std::size_t i) -> Done {
    return stage.input(std::move(packet), row, routes[i]);
  });
}

}  // namespace strata
