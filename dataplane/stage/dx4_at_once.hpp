// Most packets out of an SA: an IPv4 packet right behind an IPv6 header, to the SID that the SA's last one came to. What
// local_sid, end_dx4 and ip4_forward do with these is done here in one look at both headers.
//
// It decides nothing that those three would not (tests/unit/dx4_at_once_test.cpp and the fuzzer hold both against each
// other), and ends no packet: what is unusual goes to local_sid as it came, and it is found out there why.
#pragma once

#include "dataplane/neighbor/neighbors.hpp"
#include "dataplane/packet/gate.hpp"
#include "dataplane/packet/straight.hpp"
#include "dataplane/stage/end_dx4.hpp"
#include "dataplane/stage/ip4_rules.hpp"
#include "dataplane/stage/local_sid.hpp"
#include "dataplane/wire/ip4_in_ip6.hpp"

namespace strata {

template <LeadsTo<stage::Ip6> ToLocalSid>
class Dx4AtOnceStep {
 public:
  using stage_type = stage::Ip6;

  Dx4AtOnceStep(const Tables& tables, const Neighbors& neighbors, SidCounters& counters, ToLocalSid& local_sid,
                Burst<stage::Out>& out)
      : tables_(tables), neighbors_(neighbors), counters_(counters), local_sid_(local_sid), out_(out) {}

  // Packets that an SA has opened.
  Done input(Packet<stage::Ip6> packet, const Row<stage::Ip6>& row) const {
    assert(!row.from.sa().is_none() && row.from.side() == Side::protected_side);
    const auto ip = wire::Ip4InIp6View::check(std::as_const(packet).bytes(), row.carried);
    if (!ip || ip->ttl() <= 1 || !may_pass(*ip)) [[unlikely]]
      return look_closer(std::move(packet), row);
    const SidId id = recall(tables_.sas[row.from.sa().index()], ip->addresses(), tables_);
    if (id.is_none()) [[unlikely]]
      return look_closer(std::move(packet), row);
    const LocalSid& sid = tables_.sids[id];
    const Adjacency& adj = neighbors_[sid.adj];
    if (sid.behavior != SidBehavior::end_dx4 || !adj.resolved || adj.side != Side::protected_side ||
        ip->ip4_length() > adj.mtu) [[unlikely]]
      return look_closer(std::move(packet), row);
    SidCounter& counter = counters_[id.index()];
    ++counter.packets;
    counter.octets += ip->total_length();
    wire::ipv4_decrement_ttl(packet.bytes().data() + wire::Ip4InIp6View::kIp4Offset);
    return Gate::cross_connected(std::move(packet), row, {wire::Ip4InIp6View::kIp4Offset, ip->ip4_length()}, adj.header,
                                 adj.port, out_);
  }

 private:
  const Tables& tables_;
  const Neighbors& neighbors_;
  SidCounters& counters_;
  ToLocalSid& local_sid_;
  Burst<stage::Out>& out_;
  // Source and destination of the last one that was no martian and not for us. 0, which neither of them may be: there
  // was none.
  mutable std::uint64_t passing_ = 0;

  // Apart from the way of most.
  [[gnu::noinline, gnu::flatten]] Done look_closer(Packet<stage::Ip6> packet, Row<stage::Ip6> row) const {
    return local_sid_.push(std::move(packet), row);
  }

  bool may_pass(const wire::Ip4InIp6View& ip) const {
    if (ip.ip4_addresses() == passing_ && passing_ != 0) [[likely]]
      return true;
    const OwnAddress* mine = tables_.own4.find(ip.destination());
    if (is_martian_source(ip.source(), tables_.own4.find(ip.source())) || is_link_local(ip.source()) ||
        is_martian_destination(ip.destination(), mine) || mine != nullptr) [[unlikely]]
      return false;
    passing_ = ip.ip4_addresses();
    return true;
  }
};

}  // namespace strata
