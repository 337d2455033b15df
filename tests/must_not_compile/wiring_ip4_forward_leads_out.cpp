// What IPv4 forwarding hands on is a frame for a port, and goes into no other burst.
// error: cannot (convert|bind|initialize)|invalid initialization|no matching|no viable
// error: could not convert|no known conversion
#include "dataplane/stage/ip4_forward.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;

void run(Burst<stage::Ip4>& in, const Tables& tables, Neighbors& neighbors, Audit& audit,
         Burst<stage::Steered>& steered, Burst<stage::Oversize>& oversize, Burst<stage::Unresolved>& unresolved,
         Burst<stage::Fragment>& fragments, Burst<stage::Local>& local, Burst<stage::Refused>& refused,
         Burst<stage::TWIN(Out, Sr6)>& out, Ip4ForwardEnds ends) {
  ip4_forward(in, tables, neighbors, audit, steered, oversize, unresolved, fragments, local, refused, out, ends);
}
