#include "dataplane/stage/end_dx4.hpp"

namespace strata {

EndDx4Ends::cause_type end_dx4_cause_of(wire::ChainFault fault) {
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

void end_dx4(Burst<stage::Sr6>& in, const SidTable& sids, SidCounters& counters, Burst<stage::Ip4>& ip4,
             EndDx4Ends ends) {
  drain(in, EndDx4Step<Burst<stage::Ip4>>{sids, counters, ip4, ends});
}

}  // namespace strata
