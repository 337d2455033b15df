// Forwards IPv4 packets, whatever carried them: validation, ECN, TTL, next hop or SRv6 policy, the boundary (RFC 1812
// section 5).
#pragma once

#include "dataplane/ipsec/audit.hpp"
#include "dataplane/packet/ends.hpp"
#include "dataplane/packet/gate.hpp"
#include "dataplane/packet/straight.hpp"
#include "dataplane/stage/ip4_rules.hpp"
#include "dataplane/table/tables.hpp"

namespace strata {

using Ip4ForwardEnds =
    EndsOf<Cause::ip4_truncated, Cause::ip4_bad_version, Cause::ip4_bad_header_length, Cause::ip4_bad_length,
           Cause::ip4_bad_checksum, Cause::ip4_martian_source, Cause::ip4_martian_destination, Cause::ip4_broadcast,
           Cause::ip4_multicast, Cause::ip4_fragment, Cause::ip4_ce_not_ect, Cause::policy_boundary,
           Cause::adj_table_full>;

// What a router changes in a packet that it passes on (RFC 1812 section 5.3.1, RFC 6040 section 4.2).
inline void rewrite_on_the_way(Packet<stage::Ip4>& packet, const Row<stage::Ip4>& row, const wire::Ipv4View& ip,
                               Audit& audit) {
  std::uint8_t* header = packet.bytes().data();
  if (row.carried != static_cast<wire::Ecn>(ip.ecn())) [[unlikely]] {
    const wire::EcnDecap ecn = wire::ecn_decapsulate(row.carried, static_cast<wire::Ecn>(ip.ecn()));
    audit.note_ecn(ecn);
    wire::ipv4_set_ecn(header, static_cast<std::uint8_t>(ecn.result));
  }
  wire::ipv4_decrement_ttl(header);
}

// Where the route does not matter, and what is rare.
struct Ip4ForwardRest {
  const Tables& tables;
  Neighbors& neighbors;
  Audit& audit;
  Burst<stage::Oversize>& oversize;
  Burst<stage::Unresolved>& unresolved;
  Burst<stage::Fragment>& fragments;
  Burst<stage::Local>& local;
  Burst<stage::Refused>& refused;
  Burst<stage::Out>& out;
  Ip4ForwardEnds ends;

  Done send(Packet<stage::Ip4> packet, const Row<stage::Ip4>& row, const wire::Ipv4View& ip, AdjId<V4> id) const {
    const Adjacency& adj = neighbors[id];
    if (crosses_unbidden(row.from, adj.side, tables.bypass, ip)) [[unlikely]]
      return ends.end(std::move(packet), Cause::policy_boundary);
    if (!adj.resolved) [[unlikely]]
      return Gate::unresolved(std::move(packet), row, id, unresolved);
    const std::size_t total = ip.total_length();
    if (total > adj.mtu) [[unlikely]]
      return too_big(std::move(packet), row, NextHop(id), adj.mtu);
    rewrite_on_the_way(packet, row, ip, audit);
    return Gate::linked(std::move(packet), row, total, adj.header, adj.port, out);
  }

  // Of packets that Ipv4View::check has found right.
  [[gnu::noinline]] Done deliver(Packet<stage::Ip4> packet, Row<stage::Ip4> row) const;
  [[gnu::noinline]] Done connected(Packet<stage::Ip4> packet, Row<stage::Ip4> row, PortId port) const;
  [[gnu::noinline]] Done too_big(Packet<stage::Ip4> packet, Row<stage::Ip4> row, NextHop next_hop,
                                 std::uint16_t mtu) const;
  [[gnu::noinline]] Done refuse(Packet<stage::Ip4> packet, Row<stage::Ip4> row, RefusedCause cause, IcmpError error,
                                std::uint16_t mtu = 0) const;
  static void clamp_mss(std::span<std::uint8_t> packet, std::uint16_t mss);

 private:
  Row<stage::Ip4> as_it_came(Row<stage::Ip4> row) const;
};

template <LeadsTo<stage::Steered> ToSteered>
struct Ip4ForwardStep : Ip4ForwardRest {
  using stage_type = stage::Ip4;

  ToSteered& steered;

  Ip4ForwardStep(const Ip4ForwardRest& rest, ToSteered& to) : Ip4ForwardRest(rest), steered(to) {}

  Done input(Packet<stage::Ip4> packet, const Row<stage::Ip4>& row, const Route& route) const {
    const auto [ip, fault] = wire::Ipv4View::check(std::as_const(packet).bytes());
    if (fault != wire::Ipv4Fault::none) [[unlikely]]
      return ends.end(std::move(packet), cause_of<Ip4ForwardEnds::cause_type>(fault));
    const OwnAddress* mine = nullptr;
    if (!passing_.is(ip.addresses())) {
      if (is_martian_source(ip.source(), tables.own4.find(ip.source())) || is_link_local(ip.source())) [[unlikely]]
        return ends.end(std::move(packet), Cause::ip4_martian_source);
      mine = tables.own4.find(ip.destination());
      if (is_martian_destination(ip.destination(), mine)) [[unlikely]]
        return ends.end(std::move(packet), cause_of_martian<Ip4ForwardEnds::cause_type>(ip.destination(), mine));
      if (mine == nullptr) passing_.note(ip.addresses());
    }
    if (wire::ecn_decapsulate(row.carried, static_cast<wire::Ecn>(ip.ecn())).drop) [[unlikely]]
      return ends.end(std::move(packet), Cause::ip4_ce_not_ect);
    if (mine != nullptr) [[unlikely]]
      return deliver(std::move(packet), row);
    if (ip.ttl() <= 1) [[unlikely]]
      return refuse(std::move(packet), row, Cause::ip4_ttl_exceeded, IcmpError::time_exceeded);
    if (!row.adj.is_none()) return send(std::move(packet), row, ip, row.adj);
    if (route.kind == RouteKind::policy) [[likely]]
      return steer(std::move(packet), row, ip, PolicyId(route.index));
    if (route.kind == RouteKind::adjacency) return send(std::move(packet), row, ip, AdjId<V4>(route.index));
    if (route.kind == RouteKind::connected)
      return connected(std::move(packet), row, PortId(static_cast<std::uint8_t>(route.index)));
    return refuse(std::move(packet), row, Cause::ip4_no_route, IcmpError::net_unreachable);
  }

  // Out of a cross-connect no route is asked for.
  Done input(Packet<stage::Ip4> packet, const Row<stage::Ip4>& row) const {
    assert(!row.adj.is_none());
    return input(std::move(packet), row, Route{RouteKind::none, 0});
  }

 private:
  mutable LastPassing passing_;

  // A policy leads to the peer's protected side: what comes in clear from the unprotected one has no business there.
  Done steer(Packet<stage::Ip4> packet, const Row<stage::Ip4>& row, const wire::Ipv4View& ip, PolicyId id) const {
    if (crosses_unbidden(row.from, Side::protected_side, tables.bypass, ip)) [[unlikely]]
      return ends.end(std::move(packet), Cause::policy_boundary);
    const Policy::Way& way = tables.policies[id].way();
    if (!way.adj.is_none() && !neighbors[way.adj].resolved) [[unlikely]]
      return Gate::unresolved(std::move(packet), row, way.adj, unresolved);
    const std::size_t total = ip.total_length();
    if (total > way.mtu) [[unlikely]]
      return too_big(std::move(packet), row, NextHop(id), way.mtu);
    rewrite_on_the_way(packet, row, ip, audit);
    if (way.mss != 0) clamp_mss(packet.bytes().first(total), way.mss);
    return Gate::steered(std::move(packet), row, total, id, steered);
  }
};

// The routes of a burst: also of packets that turn out to need none. Packets come in trains, and of those in a row with
// one destination the route is found once.
class BurstRoutes {
 public:
  BurstRoutes(const Burst<stage::Ip4>& in, const RouteTable& table, const PolicyTable& policies);

  // place: of a packet of the burst.
  const Route& of(std::size_t place) const {
    assert(place < kBurstSize && which_[place] < n_);
    return found_.data()[which_.data()[place]];  // unchecked: both are of our own making
  }
  // One for each run of packets with one destination.
  std::span<const Route> found() const { return {found_.data(), n_}; }

 private:
  std::array<Route, kBurstSize> found_;
  std::array<std::uint8_t, kBurstSize> which_;
  std::size_t n_ = 0;
};

// The SAs that a worker is about to seal with, of thousands of which none is in a near cache. is_mine: bool(OutSaId).
template <class IsMine>
void ask_for_sas(const BurstRoutes& routes, const PolicyTable& policies, const OutboundSaTable& sas,
                 const IsMine& is_mine) {
  constexpr std::size_t kNear = 128;  // policies: of so many all SAs are in a near cache, and to ask costs more
  if (policies.size() <= kNear) return;
  const Route* last = nullptr;
  for (const Route& route : routes.found()) {
    const bool is_asked = last != nullptr && route == *last;
    last = &route;
    if (route.kind != RouteKind::policy || is_asked) continue;
    const OutSaId id = policies[PolicyId(route.index)].sa();
    if (id.is_none() || !is_mine(id)) continue;
    sas[id.index()].prefetch();
  }
}

// step: Done input(Packet<stage::Ip4>, const Row<stage::Ip4>&, const Route&)
template <class Step>
void drain_routed(Burst<stage::Ip4>& in, const BurstRoutes& routes, const Step& step) {
  in.drain([&](Packet<stage::Ip4> packet, const Row<stage::Ip4>& row, std::size_t i) -> Done {
    return step.input(std::move(packet), row, routes.of(i));
  });
}

void ip4_forward(Burst<stage::Ip4>& in, const Tables& tables, Neighbors& neighbors, Audit& audit,
                 Burst<stage::Steered>& steered, Burst<stage::Oversize>& oversize, Burst<stage::Unresolved>& unresolved,
                 Burst<stage::Fragment>& fragments, Burst<stage::Local>& local, Burst<stage::Refused>& refused,
                 Burst<stage::Out>& out, Ip4ForwardEnds ends);

}  // namespace strata
