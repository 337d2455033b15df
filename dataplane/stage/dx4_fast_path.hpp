// The fast path of what an SA has opened: an IPv4 packet right behind an IPv6 header, to the SID that the SA's last
// packet came to, and to a next hop that takes it. What local_sid, end_dx4 and ip4_forward do with it (RFC 8986 section
// 4.5, RFC 1812 sections 5.2 and 5.3, RFC 6040 section 4.2) is done in one look at both headers.
//
// A shortcut, and no step of the journey: it never decides otherwise than those three, which
// tests/unit/dx4_fast_path_test.cpp and the fuzzer hold it against, and it ends no packet. What is unusual goes to
// local_sid as it came, and it is found out there why.
#pragma once

#include "dataplane/neighbor/neighbors.hpp"
#include "dataplane/packet/gate.hpp"
#include "dataplane/packet/straight.hpp"
#include "dataplane/prefetch.hpp"
#include "dataplane/stage/end_dx4.hpp"
#include "dataplane/stage/ip4_rules.hpp"
#include "dataplane/stage/local_sid.hpp"
#include "dataplane/wire/ipv4_in_ipv6.hpp"

namespace strata {

template <LeadsTo<stage::Ip6> ToLocalSid>
class Dx4FastPathStep {
 public:
  using stage_type = stage::Ip6;

  Dx4FastPathStep(const Tables& tables, const Neighbors& neighbors, SidCounters& counters, ToLocalSid& local_sid,
                  Burst<stage::Out>& out)
      : tables_(tables), neighbors_(neighbors), counters_(counters), local_sid_(local_sid), out_(out) {}

  // Packets that an SA has opened.
  Done input(Packet<stage::Ip6> packet, const Row<stage::Ip6>& row) const {
    const auto ip = wire::Ipv4InIpv6View::check(std::as_const(packet).bytes(), row.carried);
    if (!ip) [[unlikely]]
      return slow_path(std::move(packet), row);
    const LastSid& last = tables_.sas[row.from.sa().index()].last_sid;
    const std::optional<LetIn> let_in = last.recall(ip->ipv6_addresses(), tables_.number);
    if (!let_in) [[unlikely]]
      return slow_path(std::move(packet), row);
    if (let_in->cross_connect().is_none() || !ip->ipv4_sum_is_right() || ip->ttl() <= 1 || !may_pass(*ip)) [[unlikely]]
      return slow_path(std::move(packet), row);
    const Adjacency& adj = neighbors_[let_in->cross_connect()];
    if (!adj.resolved || adj.side != Side::protected_side || ip->ipv4_total_length() > adj.mtu) [[unlikely]]
      return slow_path(std::move(packet), row);
    constexpr std::size_t kIpv4Offset = wire::Ipv4InIpv6View::kIpv4Offset;
    SidCounter& counter = counters_[let_in->sid().index()];
    ++counter.packets;
    counter.octets += ip->ipv6_total_length();
    wire::ipv4_decrement_ttl(packet.bytes().data() + kIpv4Offset);
    return Gate::cross_connected(std::move(packet), row, *let_in, {kIpv4Offset, ip->ipv4_total_length()}, adj.header,
                                 adj.port, out_);
  }

  // The counters of the SIDs that these most likely come to.
  void ask(const Burst<stage::Decrypted>& coming) const {
    constexpr std::size_t kNear = 512;  // SIDs: the counters of so many are in a near cache, and to ask costs more
    if (tables_.sids.size() <= kNear) return;
    for (std::size_t i = 0; i < coming.size(); ++i) {
      const SidId sid = tables_.sas[coming.row(i).from.sa().index()].last_sid.sid;
      if (sid.index() < counters_.size()) prefetch_line(&counters_[sid.index()]);
    }
  }

 private:
  const Tables& tables_;
  const Neighbors& neighbors_;
  SidCounters& counters_;
  ToLocalSid& local_sid_;
  Burst<stage::Out>& out_;
  mutable LastPassing passing_;

  [[gnu::noinline, gnu::flatten]] Done slow_path(Packet<stage::Ip6> packet, Row<stage::Ip6> row) const {
    return local_sid_.push(std::move(packet), row);
  }

  bool may_pass(const wire::Ipv4InIpv6View& ip) const {
    if (passing_.is(ip.ipv4_addresses())) [[likely]]
      return true;
    const OwnAddress* mine = tables_.own4.find(ip.ipv4_destination());
    if (mine != nullptr || is_martian_source(ip.ipv4_source(), tables_.own4.find(ip.ipv4_source())) ||
        is_link_local(ip.ipv4_source()) || is_martian_destination(ip.ipv4_destination(), mine)) [[unlikely]]
      return false;
    passing_.note(ip.ipv4_addresses());
    return true;
  }
};

}  // namespace strata
