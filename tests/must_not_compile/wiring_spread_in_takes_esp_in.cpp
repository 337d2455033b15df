// What is spread over the workers is sealed still: a packet that is open belongs to who opened it.
// error: cannot (convert|bind|initialize)|invalid initialization|no matching|no viable
// error: could not convert|no known conversion
#include "dataplane/stage/spread.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;

void step(Burst<stage::TWIN(EspIn, Ip6)>& in, Handoff& handoff, Burst<stage::EspIn>& mine, HandoffEnds ends) {
  spread_in(in, handoff, mine, ends);
}
