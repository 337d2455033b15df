// A handle is not assigned to: the packet that it held would be lost.
// error: deleted (function|operator)
#include <utility>

#include "dataplane/packet/packet.hpp"
#include "tests/must_not_compile/twin.hpp"

template <class Stage>
struct Slot {};
using strata::Packet;
using Held = TWIN(Slot, Packet)<strata::stage::Ip4>;

void replace(Held& old, Held& next) { old = std::move(next); }
