// Who has an SA is asked by an ID that says which table it is of, not by a number.
// error: cannot (convert|bind|initialize)|invalid initialization|no matching|no viable
// error: could not convert|no known conversion
#include "dataplane/ipsec/sa_owners.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;

WorkerId owner(const Ownership& ownership) { return ownership.owner(TWIN(SaId, PolicyId)(1)); }
