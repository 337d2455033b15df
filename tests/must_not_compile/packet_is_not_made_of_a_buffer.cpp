// Outside the packet room nobody makes a packet of a buffer.
// error: private
#include "dataplane/packet/burst.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;
using Buffer = rte_mbuf*;
using Handle = Packet<stage::Ip4>;

Handle take(TWIN(Handle, Buffer) taken) { return Handle(std::move(taken)); }
