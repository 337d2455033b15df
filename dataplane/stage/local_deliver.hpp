// IPv4 packets for this machine itself: echo is answered and path MTUs are learned here; the rest is for its kernel, if
// a port leads there (RFC 1122 section 3.2.2).
#pragma once

#include "dataplane/neighbor/path_mtu.hpp"
#include "dataplane/packet/ends.hpp"
#include "dataplane/packet/gate.hpp"
#include "dataplane/table/tables.hpp"

namespace strata {

using LocalDeliverEnds = EndsOf<Cause::policy_boundary, Cause::ip4_too_big, Cause::icmp_truncated,
                                Cause::icmp_bad_checksum, Cause::icmp_path_mtu, Cause::punt_ike, Cause::punt_icmp>;

void local_deliver(Burst<stage::Local>& in, const Tables& tables, PathMtus& paths, std::uint64_t now_ns,
                   Burst<stage::Made>& made, Burst<stage::Oversize>& oversize, Burst<stage::Refused>& refused,
                   Burst<stage::Out>& out, LocalDeliverEnds ends);

}  // namespace strata
