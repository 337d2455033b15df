// H.Encaps and H.Encaps.Red (RFC 8986 sections 5.1 and 5.2): pushes an IPv6 header, with or without SRH.
#pragma once

#include "dataplane/packet/ends.hpp"
#include "dataplane/packet/gate.hpp"
#include "dataplane/table/policy_table.hpp"

namespace strata {

using HEncapsEnds = EndsOf<Cause::policy_no_sa, Cause::tx_no_room>;

void h_encaps(Burst<stage::Steered>& in, const PolicyTable& policies, Burst<stage::Sr6Out>& out, HEncapsEnds ends);

}  // namespace strata
