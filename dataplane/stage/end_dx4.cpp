#include "dataplane/stage/end_dx4.hpp"

#include "dataplane/wire/ipv6.hpp"

namespace strata {
namespace {

EndDx4Ends::cause_type cause_of(wire::ChainFault fault) {
  switch (fault) {
    case wire::ChainFault::limit: return Cause::sr6_exthdr_limit;
    case wire::ChainFault::order: return Cause::sr6_exthdr_order;
    case wire::ChainFault::fragment: return Cause::sr6_fragment;
    case wire::ChainFault::option: return Cause::sr6_bad_option;
    case wire::ChainFault::unknown_routing: return Cause::sr6_unknown_routing;
    case wire::ChainFault::bad_srh: return Cause::sr6_bad_srh;
    case wire::ChainFault::none:
    case wire::ChainFault::truncated: break;
  }
  return Cause::sr6_truncated;
}

}  // namespace

void end_dx4(Burst<stage::Sr6>& in, const SidTable& sids, SidCounters& counters, Burst<stage::Ip4>& ip4,
             EndDx4Ends ends) {
  in.drain([&](Packet<stage::Sr6> packet, const Row<stage::Sr6>& row) -> Done {
    const wire::Bytes bytes = std::as_const(packet).bytes();
    const wire::Ipv6Chain chain = wire::walk_extension_headers(bytes);
    if (chain.fault != wire::ChainFault::none) [[unlikely]]
      return ends.end(std::move(packet), cause_of(chain.fault));
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
  });
}

}  // namespace strata
