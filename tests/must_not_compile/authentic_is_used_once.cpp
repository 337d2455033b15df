// One right ICV opens one packet.
// error: deleted (function|constructor)
#include "dataplane/ipsec/authentic.hpp"
#include "tests/must_not_compile/twin.hpp"

using strata::Authentic;

Authentic again(Authentic& first) { return Authentic(static_cast<Authentic TWIN(&&, &)>(first)); }
