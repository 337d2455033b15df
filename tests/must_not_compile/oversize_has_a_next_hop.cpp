// What leaves in fragments goes to a neighbor or into a policy: nothing else is a next hop.
// error: cannot (convert|bind|initialize)|invalid initialization|no matching|no viable
// error: could not convert|no known conversion
#include "dataplane/packet/stage.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;

NextHop next_hop() { return NextHop(TWIN(PolicyId, SidId)(3)); }
