// Only the comparison of the ICV makes the proof that it was right.
// error: private|calling a private constructor
#include "dataplane/ipsec/authentic.hpp"
#include "tests/must_not_compile/twin.hpp"

using strata::Authentic;

struct Own {};

auto prove() { return TWIN(Own, Authentic)(); }
