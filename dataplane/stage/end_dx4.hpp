// End.DX4 (RFC 8986 section 4.5): takes the IPv6 packet off and sends the IPv4 packet inside to its cross-connect.
#pragma once

#include <vector>

#include "dataplane/packet/ends.hpp"
#include "dataplane/packet/gate.hpp"
#include "dataplane/relaxed.hpp"
#include "dataplane/table/sid_table.hpp"

namespace strata {

using EndDx4Ends = EndsOf<Cause::sr6_truncated, Cause::sr6_exthdr_limit, Cause::sr6_exthdr_order, Cause::sr6_fragment,
                          Cause::sr6_bad_option, Cause::sr6_unknown_routing, Cause::sr6_bad_srh,
                          Cause::sr6_segments_left, Cause::sr6_upper_layer>;

// RFC 8986 section 6: what a SID's behaviour was carried out on. One worker's; by SidId.
struct SidCounter {
  Relaxed<std::uint64_t> packets = 0;
  Relaxed<std::uint64_t> octets = 0;  // of the IPv6 packets
};
using SidCounters = std::vector<SidCounter>;

void end_dx4(Burst<stage::Sr6>& in, const SidTable& sids, SidCounters& counters, Burst<stage::Ip4>& ip4,
             EndDx4Ends ends);

}  // namespace strata
