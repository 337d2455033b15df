// IPv4 packets for this machine itself: echo is answered here; the rest is for its kernel, if a port leads there (RFC
// 1122 section 3.2.2).
#pragma once

#include "dataplane/packet/ends.hpp"
#include "dataplane/packet/gate.hpp"
#include "dataplane/table/tables.hpp"

namespace strata {

using LocalDeliverEnds =
    EndsOf<Cause::policy_boundary, Cause::ip4_too_big, Cause::icmp_truncated, Cause::icmp_bad_checksum, Cause::punt_ike, Cause::punt_icmp>;

void local_deliver(Burst<stage::Local>& in, const Tables& tables, Burst<stage::Made>& made,
                   Burst<stage::Oversize>& oversize, Burst<stage::Refused>& refused, Burst<stage::Out>& out,
                   LocalDeliverEnds ends);

}  // namespace strata
