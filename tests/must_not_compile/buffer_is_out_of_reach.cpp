// Nobody reaches the buffer through the handle.
// error: private
#include "dataplane/packet/packet.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;

struct Open {
  rte_mbuf* buffer_;
};
using Handle = Packet<stage::Ip4>;
using Reached = TWIN(Open, Handle);

rte_mbuf* reach(Reached& packet) { return packet.buffer_; }
