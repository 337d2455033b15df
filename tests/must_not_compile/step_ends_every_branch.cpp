// A branch that falls off the end has lost its packet.
// error: control reaches end|non-void (function|lambda) does not return
#include "dataplane/packet/burst.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;

void forward(Burst<stage::Ip4>& in, Burst<stage::Ip4>& resolved, Burst<stage::Ip4>& out) {
  in.drain([&](Packet<stage::Ip4> packet, const Row<stage::Ip4>& row) -> Done {
    if (!row.adj.is_none()) return resolved.push(std::move(packet), row);
    TWIN(return, void)(out.push(std::move(packet), row));
  });
}
