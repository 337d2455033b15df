// A bare number names no table.
// error: (cannot convert|no known conversion|no matching|could not convert|no viable)
#include "dataplane/packet/id.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;

SidId first() { return TWIN(SidId, )(0U); }
