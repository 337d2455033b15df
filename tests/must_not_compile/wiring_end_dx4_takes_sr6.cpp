// A step takes the packets of its own stage: End.DX4 cannot be fed what is still sealed.
// error: cannot (convert|bind|initialize)|invalid initialization|no matching|no viable
// error: could not convert|no known conversion
#include "dataplane/stage/end_dx4.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;

void run(Burst<stage::TWIN(Sr6, EspIn)>& in, const SidTable& sids, SidCounters& counters, Burst<stage::Ip4>& out,
         EndDx4Ends ends) {
  end_dx4(in, sids, counters, out, ends);
}
