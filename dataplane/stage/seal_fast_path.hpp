// The fast path of what a policy takes into an SA: an IPv4 packet in clear from the protected side, of an SA that this
// worker seals with, whose next hop is known. What ip4_forward, h_encaps and the first half of esp_seal do with it (RFC
// 1812 sections 5.2 and 5.3, RFC 8986 section 5.1, RFC 4303 section 3.3) is done in one look at its header, and all
// headers are put before it at once; what its policy, its SA and their way have to say is asked once for all packets in
// a row that have one route.
//
// A shortcut, and no step of the journey: it never decides otherwise than those three, which
// tests/unit/seal_fast_path_test.cpp and the fuzzer hold it against, and it ends no packet. What is unusual goes to
// ip4_forward as it came, and it is found out there why.
#pragma once

#include "dataplane/packet/gate.hpp"
#include "dataplane/stage/esp_seal.hpp"
#include "dataplane/stage/h_encaps.hpp"
#include "dataplane/stage/ip4_forward.hpp"
#include "dataplane/stage/ip4_rules.hpp"
#include "dataplane/wire/tcp.hpp"

namespace strata {

// MaySeal: bool(OutSaId), whether a packet that comes now may be sealed with it at once: asked again behind each packet
// that did not go this way.
template <class ToForward, class MaySeal>
class SealFastPathStep {
 public:
  using stage_type = stage::Ip4;

  SealFastPathStep(Tables& tables, const AdjacencyTable& adjacencies, const ToForward& forward, const MaySeal& may_seal,
                   Burst<stage::Unsealed>& out)
      : tables_(tables), adjacencies_(adjacencies), forward_(forward), may_seal_(may_seal), out_(out) {}

  [[gnu::always_inline]] Done input(Packet<stage::Ip4> packet, const Row<stage::Ip4>& row, const Route& route) const {
    if (route != route_) look_up(route);
    if (sa_ == nullptr || !has_nothing_before(row)) [[unlikely]]
      return slow_path(std::move(packet), row, route);
    const auto [ip, fault] = wire::Ipv4View::check(std::as_const(packet).bytes());
    if (fault != wire::Ipv4Fault::none || ip.header_length() != wire::kIpv4MinHeaderLength || ip.ttl() <= 1 ||
        !may_pass(passing_, ip.addresses(), tables_.own4)) [[unlikely]]
      return slow_path(std::move(packet), row, route);
    OutboundSa& sa = *sa_;
    const Policy& policy = *policy_;
    const std::size_t total = ip.total_length();
    if (total > policy.way().mtu || sa.stopped() || !Gate::can_open(packet, total, policy.header().size())) [[unlikely]]
      return slow_path(std::move(packet), row, route);
    const Ipv6Begin first = ipv6_begin_of(ip, policy);
    const std::size_t header = policy.header().size();
    const std::size_t front = detail::front_of(sa);
    const std::size_t inner = header + total;
    const std::span<std::uint8_t> whole = Gate::open_for_sealing(packet, total, front + header, detail::end_of(inner));
    std::uint8_t* const ipv6 = whole.data() + front;
    wire::ipv4_decrement_ttl(ipv6 + header);
    if (policy.way().mss != 0) [[unlikely]]
      wire::clamp_tcp_mss({ipv6 + header, total}, policy.way().mss);
    Gate::write_ipv6(ipv6, first, policy.header());
    const std::uint64_t sequence = detail::next_number(sa, inner);
    detail::lay_out(sa, {ipv6, inner}, whole, traffic_class_of(first), sequence);
    return Gate::laid_out(std::move(packet), row, policy.sa(), sequence, out_);
  }

  std::size_t slow() const { return slow_; }  // packets that did not go this way

 private:
  Tables& tables_;
  const AdjacencyTable& adjacencies_;
  const ToForward& forward_;
  const MaySeal& may_seal_;
  Burst<stage::Unsealed>& out_;
  mutable LastPassing passing_;
  mutable std::size_t slow_ = 0;
  // Of the last packet, and where it leads to; nullptr: not on this path.
  mutable Route route_{RouteKind::none, 0};
  mutable const Policy* policy_ = nullptr;
  mutable OutboundSa* sa_ = nullptr;

  static std::uint8_t traffic_class_of(Ipv6Begin first) {
    return static_cast<std::uint8_t>(__builtin_bswap64(static_cast<std::uint64_t>(first)) >> 52);
  }

  // Nothing carried it, no cross-connect has its way, and it may go where the policy leads.
  static bool has_nothing_before(const Row<stage::Ip4>& row) {
    return row.from.side() == Side::protected_side && row.adj.is_none() && row.carried == wire::Ecn::not_ect;
  }

  void look_up(const Route& route) const {
    route_ = route;
    sa_ = nullptr;
    if (route.kind != RouteKind::policy) return;
    policy_ = &tables_.policies[PolicyId(route.index)];
    const OutSaId id = policy_->sa();
    const AdjId<V4> way = policy_->way().adj;
    if (id.is_none() || (!way.is_none() && !adjacencies_[way].resolved) || !may_seal_(id)) return;
    OutboundSa& sa = tables_.out_sas[id.index()];
    if (detail::has_way(sa, adjacencies_)) sa_ = &sa;
  }

  // It may have turned off, or stand in line: whatever comes next looks again.
  [[gnu::noinline, gnu::flatten]] Done slow_path(Packet<stage::Ip4> packet, Row<stage::Ip4> row, Route route) const {
    ++slow_;
    route_ = {RouteKind::none, 0};
    sa_ = nullptr;
    return forward_.input(std::move(packet), row, route);
  }
};

}  // namespace strata
