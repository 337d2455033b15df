// Forwards IPv4 packets, whatever carried them: validation, ECN, TTL, next hop or SRv6 policy, the boundary (RFC 1812
// section 5).
#pragma once

#include "dataplane/ipsec/audit.hpp"
#include "dataplane/packet/ends.hpp"
#include "dataplane/packet/gate.hpp"
#include "dataplane/table/tables.hpp"

namespace strata {

using Ip4ForwardEnds =
    EndsOf<Cause::ip4_truncated, Cause::ip4_bad_version, Cause::ip4_bad_header_length, Cause::ip4_bad_length,
           Cause::ip4_bad_checksum, Cause::ip4_martian_source, Cause::ip4_martian_destination, Cause::ip4_broadcast,
           Cause::ip4_multicast, Cause::ip4_fragment, Cause::ip4_ce_not_ect, Cause::policy_boundary,
           Cause::adj_table_full>;

void ip4_forward(Burst<stage::Ip4>& in, const Tables& tables, Neighbors& neighbors, Audit& audit,
                 Burst<stage::Steered>& steered, Burst<stage::Oversize>& oversize, Burst<stage::Unresolved>& unresolved,
                 Burst<stage::Fragment>& fragments, Burst<stage::Local>& local, Burst<stage::Refused>& refused,
                 Burst<stage::Out>& out, Ip4ForwardEnds ends);

}  // namespace strata
