#include "dataplane/stage/h_encaps.hpp"

namespace strata {

void h_encaps(Burst<stage::Steered>& in, const PolicyTable& policies, Burst<stage::Sr6Out>& out, HEncapsEnds ends) {
  drain(in, HEncapsStep<Burst<stage::Sr6Out>>{policies, out, ends});
}

}  // namespace strata
