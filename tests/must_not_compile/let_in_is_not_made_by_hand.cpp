// Only the comparison with what an SA has let in makes the proof of it.
// error: private|calling a private constructor
#include "dataplane/ipsec/authentic.hpp"
#include "tests/must_not_compile/twin.hpp"

using strata::LetIn;
using strata::SidId;

struct Own {
  explicit Own(SidId) {}
};

auto prove() { return TWIN(Own, LetIn)(SidId(0)); }
