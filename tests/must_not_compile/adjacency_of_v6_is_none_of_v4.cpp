// Nor does an IPv6 next hop fit where an IPv4 one is meant.
// error: cannot (convert|bind|initialize)|invalid initialization|no matching|no viable
// error: could not convert|no known conversion
#include "dataplane/packet/stage.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;

Row<stage::Ip4> row_of(Origin from, AdjId<TWIN(V4, V6)> adj, wire::Ecn carried) {
  return {.from = from, .adj = adj, .carried = carried};
}
