// A bare number names no table.
// error: cannot (convert|bind|initialize)|invalid initialization|no matching|no viable
// error: could not convert|no known conversion
#include "dataplane/packet/id.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;

SidId first() { return TWIN(SidId, )(0U); }
