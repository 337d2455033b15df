// Nor how long the headers were that stood before the IPv4 packet.
// error: has no member named 'outer'|no member named 'outer'
#include "dataplane/packet/stage.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;

OuterLength outer_of(const Row<stage::TWIN(Sr6, Ip4)>& row) { return row.outer; }
