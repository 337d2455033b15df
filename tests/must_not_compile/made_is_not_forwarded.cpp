// What this machine made is routed, not forwarded: no TTL of it is counted down, and no ICMP error answers it.
// error: cannot (convert|bind|initialize)|invalid initialization|no matching|no viable
// error: could not convert|no known conversion
#include "dataplane/stage/ip4_forward.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;

void run(Burst<stage::TWIN(Ip4, Made)>& in, const Tables& tables, Neighbors& neighbors, Audit& audit,
         Burst<stage::Steered>& steered, Burst<stage::Oversize>& oversize, Burst<stage::Unresolved>& unresolved,
         Burst<stage::Fragment>& fragments, Burst<stage::Local>& local, Burst<stage::Refused>& refused,
         Burst<stage::Out>& out, Ip4ForwardEnds ends) {
  ip4_forward(in, tables, neighbors, audit, steered, oversize, unresolved, fragments, local, refused, out, ends);
}
