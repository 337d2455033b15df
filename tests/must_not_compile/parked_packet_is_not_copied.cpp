// A parked packet, too, has one owner.
// error: deleted (function|constructor)
#include "dataplane/packet/parking.hpp"
#include "tests/must_not_compile/twin.hpp"

using strata::Parked;

void* leave(Parked& parked) { return Parked::leave(Parked(static_cast<Parked TWIN(&&, &)>(parked))); }
