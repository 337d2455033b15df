// Nor is the ECN of the IPv6 packet taken for the IPv4 packet's own.
// error: has no member named 'ecn'|no member named 'ecn'
#include "dataplane/packet/stage.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;

wire::Ecn ecn_of(const Row<stage::TWIN(Sr6, Ip4)>& row) { return row.ecn; }
