// What waited goes through its step again: the route may be another one by now.
// error: cannot (convert|bind|initialize)|invalid initialization|no matching|no viable
// error: could not convert|no known conversion
#include "dataplane/stage/resolve.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;

void run(Burst<stage::Unresolved>& in, Burst<stage::Ip4>& ip4, Burst<stage::TWIN(Made, Out)>& made) {
  resume(in, ip4, made);
}
