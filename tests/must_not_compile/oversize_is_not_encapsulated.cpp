// What does not fit through the tunnel is cut before it gets there: the policy takes no packet that is too large.
// error: cannot (convert|bind|initialize)|invalid initialization|no matching|no viable
// error: could not convert|no known conversion
#include "dataplane/stage/h_encaps.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;

void run(Burst<stage::TWIN(Steered, Oversize)>& in, const PolicyTable& policies, Burst<stage::Sr6Out>& out,
         HEncapsEnds ends) {
  h_encaps(in, policies, out, ends);
}
