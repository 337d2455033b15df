// Only the comparison with what an SA has let in makes the proof of it.
// error: private|calling a private constructor
#include "dataplane/ipsec/authentic.hpp"
#include "tests/must_not_compile/twin.hpp"

using strata::AdjId;
using strata::LetIn;
using strata::SidId;
using strata::V4;

struct Own {
  Own(SidId, AdjId<V4>) {}
};

auto prove() { return TWIN(Own, LetIn)(SidId(0), AdjId<V4>(0)); }
