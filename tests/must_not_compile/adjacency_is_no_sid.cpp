// An index into one table does not fit another table.
// error: cannot (convert|bind|initialize)|invalid initialization|no matching|no viable
// error: could not convert|no known conversion
#include "dataplane/packet/stage.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;
using Adjacency = AdjId<V4>;

Row<stage::Ip4> row_of(Origin from, TWIN(Adjacency, SidId) adj, wire::Ecn carried) {
  return {.from = from, .adj = adj, .carried = carried};
}
