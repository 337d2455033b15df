// The IPv4 path cannot read what the SRv6 endpoint knew: no name for it exists there.
// error: has no member named 'sid'|no member named 'sid'
#include "dataplane/packet/stage.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;

SidId sid_of(const Row<stage::TWIN(Sr6, Ip4)>& row) { return row.sid; }
