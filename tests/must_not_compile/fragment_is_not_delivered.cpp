// A part of a packet is not taken for the packet: it is delivered once it is whole.
// error: cannot (convert|bind|initialize)|invalid initialization|no matching|no viable
// error: could not convert|no known conversion
#include "dataplane/stage/local_deliver.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;

void run(Burst<stage::TWIN(Local, Fragment)>& in, const Tables& tables, PathMtus& paths, Burst<stage::Made>& made,
         Burst<stage::Oversize>& oversize, Burst<stage::Refused>& refused, Burst<stage::Out>& out,
         LocalDeliverEnds ends) {
  local_deliver(in, tables, paths, 0, made, oversize, refused, out, ends);
}
