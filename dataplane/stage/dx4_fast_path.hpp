// The fast path of what an SA has decrypted: an IPv4 packet right behind an IPv6 header, to the SID that the SA's last
// packet came to, and to a next hop that takes it. What the second half of esp_open, local_sid, end_dx4 and ip4_forward
// do with it (RFC 4303 sections 2.4 to 2.6, RFC 8986 section 4.5, RFC 1812 sections 5.2 and 5.3, RFC 6040 section 4.2)
// is done in one look at the trailer and both headers.
//
// A shortcut, and no step of the journey: it never decides otherwise than those four, which
// tests/unit/dx4_fast_path_test.cpp and the fuzzer hold it against, and it ends no packet. What is unusual goes to
// EspUnwrapStep as it came, and it is found out behind it why.
#pragma once

#include "dataplane/neighbor/neighbors.hpp"
#include "dataplane/packet/gate.hpp"
#include "dataplane/packet/straight.hpp"
#include "dataplane/prefetch.hpp"
#include "dataplane/stage/end_dx4.hpp"
#include "dataplane/stage/esp_open.hpp"
#include "dataplane/stage/ip4_rules.hpp"
#include "dataplane/stage/local_sid.hpp"
#include "dataplane/wire/ipv4_in_ipv6.hpp"

namespace strata {

template <LeadsTo<stage::Decrypted> ToUnwrap>
class Dx4FastPathStep {
 public:
  using stage_type = stage::Decrypted;

  Dx4FastPathStep(Tables& tables, const Neighbors& neighbors, SidCounters& counters, ToUnwrap& unwrap,
                  Burst<stage::Out>& out)
      : tables_(tables), neighbors_(neighbors), counters_(counters), unwrap_(unwrap), out_(out) {}

  Done input(Packet<stage::Decrypted> packet, const Row<stage::Decrypted>& row) const {
    const std::span<std::uint8_t> esp = packet.bytes();
    const wire::Bytes text(esp.data() + kEspTextOffset, esp.size() - kEspTextOffset - kIcvLength);
    const std::size_t payload = wire::payload_before_short_padding(text, wire::kProtocolIpv6);
    const auto ip = wire::Ipv4InIpv6View::check(wire::Bytes(text.data(), payload), row.carried);
    if (!ip) [[unlikely]]
      return slow_path(std::move(packet), row);
    InboundSa& sa = tables_.sas[row.from.sa().index()];
    const LetIn* let_in = sa.last_sid.recall(ip->ipv6_addresses(), tables_.number);
    if (let_in == nullptr) [[unlikely]]
      return slow_path(std::move(packet), row);
    if (let_in->cross_connect().is_none() || !ip->ipv4_sum_is_right() || ip->ttl() <= 1 ||
        !may_pass(passing_, ip->ipv4_addresses(), tables_.own4)) [[unlikely]]
      return slow_path(std::move(packet), row);
    const Adjacency& adj = neighbors_[let_in->cross_connect()];
    if (!adj.resolved || adj.side != Side::protected_side || ip->ipv4_total_length() > adj.mtu) [[unlikely]]
      return slow_path(std::move(packet), row);
    constexpr std::size_t kIpv4Offset = kEspTextOffset + wire::Ipv4InIpv6View::kIpv4Offset;
    ++sa.packets;
    sa.octets += payload;
    SidCounter& counter = counters_[let_in->sid().index()];
    ++counter.packets;
    counter.octets += ip->ipv6_total_length();
    wire::ipv4_decrement_ttl(esp.data() + kIpv4Offset);
    return Gate::cross_connected(std::move(packet), row, *let_in, {kIpv4Offset, ip->ipv4_total_length()}, adj.header,
                                 adj.port, out_);
  }

  // The counters of the SIDs that these most likely come to.
  void ask(const Burst<stage::Decrypted>& coming) const {
    constexpr std::size_t kNear = 512;  // SIDs: the counters of so many are in a near cache, and to ask costs more
    if (tables_.sids.size() <= kNear) return;
    for (std::size_t i = 0; i < coming.size(); ++i) {
      const SidId sid = tables_.sas[coming.row(i).from.sa().index()].last_sid.sid();
      if (sid.index() < counters_.size()) prefetch_line(&counters_[sid.index()]);
    }
  }

 private:
  Tables& tables_;
  const Neighbors& neighbors_;
  SidCounters& counters_;
  ToUnwrap& unwrap_;
  Burst<stage::Out>& out_;
  mutable LastPassing passing_;

  [[gnu::noinline, gnu::flatten]] Done slow_path(Packet<stage::Decrypted> packet, Row<stage::Decrypted> row) const {
    return unwrap_.push(std::move(packet), row);
  }
};

}  // namespace strata
