// A packet has one owner: it cannot be copied.
// error: deleted (function|constructor)
#include "dataplane/packet/packet.hpp"
#include "tests/must_not_compile/twin.hpp"

using strata::Packet;
using strata::stage::Ip4;

Packet<Ip4> keep(Packet<Ip4> packet) { return Packet<Ip4>(static_cast<Packet<Ip4> TWIN(&&, &)>(packet)); }
