// IPv4 packets that this machine made: routed as forwarded ones are, but their TTL is their own, and nobody is told
// when they cannot go (RFC 1122 section 3.3.1).
#pragma once

#include "dataplane/packet/ends.hpp"
#include "dataplane/packet/gate.hpp"
#include "dataplane/table/tables.hpp"

namespace strata {

using Ip4OutputEnds = EndsOf<Cause::ip4_broadcast, Cause::ip4_multicast, Cause::ip4_martian_destination,
                             Cause::ip4_no_route, Cause::ip4_too_big, Cause::policy_boundary, Cause::adj_table_full>;

void ip4_output(Burst<stage::Made>& in, const Tables& tables, Neighbors& neighbors, Burst<stage::Steered>& steered,
                Burst<stage::Oversize>& oversize, Burst<stage::Unresolved>& unresolved, Burst<stage::Out>& out,
                Ip4OutputEnds ends);

}  // namespace strata
