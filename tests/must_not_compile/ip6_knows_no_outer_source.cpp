// Once ESP is open, the address that the sealed packet came from has no name.
// error: has no member named 'source'|no member named 'source'
#include "dataplane/packet/stage.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;

wire::Ipv4Address source_of(const Row<stage::TWIN(EspIn, Ip6)>& row) { return row.source; }
