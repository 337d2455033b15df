// Nobody else decides what a buffer still says about the layer before: the rest of the gate is private.
// error: private
#include "dataplane/packet/gate.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;

struct Own {
  static void forget(rte_mbuf*) {}
};

void keep(rte_mbuf* buffer) { TWIN(Own, Gate)::forget(buffer); }
