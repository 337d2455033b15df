// Which side of the boundary a packet came from is never left to a default.
// error: could not convert|no matching
#include "dataplane/packet/stage.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;

struct Half {
  SaId sa;
  PortId port;
};

TWIN(Half, Origin) origin_of(SaId sa, PortId port) { return {sa, port}; }
