#include "dataplane/stage/ip4_output.hpp"

#include "dataplane/stage/ip4_rules.hpp"
#include "dataplane/wire/tcp.hpp"

namespace strata {
namespace {

using stage::Made;
using OutputCause = Ip4OutputEnds::cause_type;

struct Output {
  const Tables& tables;
  Neighbors& neighbors;
  Burst<stage::Steered>& steered;
  Burst<stage::Oversize>& oversize;
  Burst<stage::Unresolved>& unresolved;
  Burst<stage::Out>& out;
  Ip4OutputEnds ends;

  Done input(Packet<Made> packet, const Row<Made>& row) const;
  Done send(Packet<Made> packet, const Row<Made>& row, const wire::Ipv4View& ip, AdjId<V4> id) const;
  Done steer(Packet<Made> packet, const Row<Made>& row, const wire::Ipv4View& ip, PolicyId id) const;
  Done connected(Packet<Made> packet, const Row<Made>& row, const wire::Ipv4View& ip, PortId port) const;
};

Done Output::send(Packet<Made> packet, const Row<Made>& row, const wire::Ipv4View& ip, AdjId<V4> id) const {
  const Adjacency& adj = neighbors[id];
  if (crosses_unbidden(row.from, adj.side, tables.bypass, ip))
    return ends.end(std::move(packet), Cause::policy_boundary);
  if (!adj.resolved) return Gate::unresolved(std::move(packet), row, id, unresolved);
  const std::size_t total = ip.total_length();
  if (total <= adj.mtu) return Gate::linked(std::move(packet), row, total, adj.header, adj.port, out);
  if (ip.dont_fragment()) return ends.end(std::move(packet), Cause::ip4_too_big);
  return Gate::oversize(std::move(packet), row, total, NextHop(id), adj.mtu, oversize);
}

Done Output::steer(Packet<Made> packet, const Row<Made>& row, const wire::Ipv4View& ip, PolicyId id) const {
  if (crosses_unbidden(row.from, Side::protected_side, tables.bypass, ip))
    return ends.end(std::move(packet), Cause::policy_boundary);
  const Policy::Way& way = tables.policies[id].way();
  if (!way.adj.is_none() && !neighbors[way.adj].resolved)
    return Gate::unresolved(std::move(packet), row, way.adj, unresolved);
  const std::size_t total = ip.total_length();
  if (way.mss != 0) wire::clamp_tcp_mss(packet.bytes().first(total), way.mss);
  if (total <= way.mtu) return Gate::steered(std::move(packet), row, total, id, steered);
  if (ip.dont_fragment()) return ends.end(std::move(packet), Cause::ip4_too_big);
  return Gate::oversize(std::move(packet), row, total, NextHop(id), way.mtu, oversize);
}

// What may not go there at all takes no place among the neighbors.
Done Output::connected(Packet<Made> packet, const Row<Made>& row, const wire::Ipv4View& ip, PortId port) const {
  const Adjacency& link = tables.link_of(port);
  if (crosses_unbidden(row.from, link.side, tables.bypass, ip))
    return ends.end(std::move(packet), Cause::policy_boundary);
  const AdjId<V4> id = neighbors.find_or_add(port, ip.destination(), link);
  if (id.is_none()) return ends.end(std::move(packet), Cause::adj_table_full);
  return send(std::move(packet), row, ip, id);
}

Done Output::input(Packet<Made> packet, const Row<Made>& row) const {
  // Made here, or checked as it came from the kernel.
  const auto ip = wire::Ipv4View::of_checked(std::as_const(packet).bytes());
  const wire::Ipv4Address destination = ip.destination();
  const OwnAddress* mine = tables.own4.find(destination);
  if (is_martian_destination(destination, mine))
    return ends.end(std::move(packet), cause_of_martian<OutputCause>(destination, mine));
  if (mine != nullptr) return ends.end(std::move(packet), Cause::ip4_martian_destination);
  Route route{RouteKind::none, 0};
  tables.routes.find(&destination, &route, 1);
  switch (route.kind) {
    case RouteKind::adjacency: return send(std::move(packet), row, ip, AdjId<V4>(route.index));
    case RouteKind::policy: return steer(std::move(packet), row, ip, PolicyId(route.index));
    case RouteKind::connected:
      return connected(std::move(packet), row, ip, PortId(static_cast<std::uint8_t>(route.index)));
    case RouteKind::none: break;
  }
  return ends.end(std::move(packet), Cause::ip4_no_route);
}

}  // namespace

void ip4_output(Burst<Made>& in, const Tables& tables, Neighbors& neighbors, Burst<stage::Steered>& steered,
                Burst<stage::Oversize>& oversize, Burst<stage::Unresolved>& unresolved, Burst<stage::Out>& out,
                Ip4OutputEnds ends) {
  const Output stage{tables, neighbors, steered, oversize, unresolved, out, ends};
  in.drain([&](Packet<Made> packet, const Row<Made>& row) -> Done { return stage.input(std::move(packet), row); });
}

}  // namespace strata
