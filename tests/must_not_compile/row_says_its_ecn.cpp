// Nor has the congestion mark of what carried the packet one.
// error: missing (field 'carried'|initializer for member '.*carried')|could not convert|no matching
#include "dataplane/packet/stage.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;

Row<stage::TWIN(Arp, Ip6)> row_of(Origin from) { return {.from = from}; }
