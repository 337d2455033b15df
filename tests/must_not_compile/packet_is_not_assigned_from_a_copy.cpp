// Nor can it be assigned from one that stays where it is.
// error: deleted (function|operator)
#include "dataplane/packet/packet.hpp"
#include "tests/must_not_compile/twin.hpp"

using strata::Packet;
using strata::stage::Ip4;

void replace(Packet<Ip4>& old, Packet<Ip4>& packet) { old = static_cast<Packet<Ip4> TWIN(&&, &)>(packet); }
