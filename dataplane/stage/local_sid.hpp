// IPv6 packets, opened or in clear, that come to a local SID (RFC 8754 section 4.3, RFC 8986 section 4).
#pragma once

#include "dataplane/ipsec/audit.hpp"
#include "dataplane/neighbor/path_mtu.hpp"
#include "dataplane/packet/ends.hpp"
#include "dataplane/packet/gate.hpp"
#include "dataplane/table/tables.hpp"

namespace strata {

using LocalSidEnds =
    EndsOf<Cause::esp_inner_truncated, Cause::esp_ce_not_ect, Cause::sr6_truncated, Cause::sr6_bad_version,
           Cause::sr6_martian_source, Cause::sr6_no_sid, Cause::policy_selector_mismatch, Cause::policy_unprotected,
           Cause::icmp_path_mtu, Cause::punt_icmp6, Cause::punt_local>;

void local_sid(Burst<stage::Ip6>& in, const Tables& tables, PathMtus& paths, Audit& audit, std::uint64_t now_ns,
               Burst<stage::Sr6>& end_dx4, LocalSidEnds ends);

}  // namespace strata
