// A Done is not kept and said again for another packet.
// error: deleted (function|constructor)
#include "dataplane/packet/packet.hpp"
#include "tests/must_not_compile/twin.hpp"

using strata::Done;

Done again(Done& first) { return Done(static_cast<Done TWIN(&&, &)>(first)); }
