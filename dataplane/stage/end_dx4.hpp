// End.DX4 (RFC 8986 section 4.5): takes the IPv6 packet off and sends the IPv4 packet inside to its cross-connect.
#pragma once

#include "dataplane/packet/ends.hpp"
#include "dataplane/packet/gate.hpp"
#include "dataplane/packet/straight.hpp"
#include "dataplane/relaxed.hpp"
#include "dataplane/table/fixed.hpp"
#include "dataplane/table/sid_table.hpp"
#include "dataplane/wire/ipv6.hpp"

namespace strata {

using EndDx4Ends = EndsOf<Cause::sr6_truncated, Cause::sr6_exthdr_limit, Cause::sr6_exthdr_order, Cause::sr6_fragment,
                          Cause::sr6_bad_option, Cause::sr6_unknown_routing, Cause::sr6_bad_srh,
                          Cause::sr6_segments_left, Cause::sr6_upper_layer>;

// RFC 8986 section 6: what a SID's behaviour was carried out on. One worker's; by SidId.
struct SidCounter {
  Relaxed<std::uint64_t> packets = 0;
  Relaxed<std::uint64_t> octets = 0;  // of the IPv6 packets
};
using SidCounters = Fixed<SidCounter>;

EndDx4Ends::cause_type end_dx4_cause_of(wire::ChainFault fault);

template <LeadsTo<stage::Ip4> ToIp4>
struct EndDx4Step {
  using stage_type = stage::Sr6;

  const SidTable& sids;
  SidCounters& counters;
  ToIp4& ip4;
  EndDx4Ends ends;

  Done input(Packet<stage::Sr6> packet, const Row<stage::Sr6>& row) const {
    const wire::Bytes bytes = std::as_const(packet).bytes();
    const wire::Ipv6Chain chain = wire::walk_extension_headers(bytes);
    if (chain.fault != wire::ChainFault::none) [[unlikely]]
      return ends.end(std::move(packet), end_dx4_cause_of(chain.fault));
    // S02: this must be the last segment.
    if (chain.segments_left != 0) [[unlikely]]
      return ends.end(std::move(packet), Cause::sr6_segments_left);
    // Section 4.1.1: the upper layer is IPv4, or else it is not for this behaviour.
    if (chain.upper_layer != wire::kProtocolIpv4) [[unlikely]]
      return ends.end(std::move(packet), Cause::sr6_upper_layer);
    SidCounter& counter = counters[row.sid.index()];
    ++counter.packets;
    counter.octets += bytes.size();
    const auto outer = static_cast<OuterLength>(chain.upper_offset);
    return Gate::decapsulated(std::move(packet), row, outer, sids[row.sid].adj, ip4);
  }
};

void end_dx4(Burst<stage::Sr6>& in, const SidTable& sids, SidCounters& counters, Burst<stage::Ip4>& ip4,
             EndDx4Ends ends);

}  // namespace strata
