// An early return, too, says what became of the packet.
// error: return-statement with no value|should return a value
#include "dataplane/packet/burst.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;

void forward(Burst<stage::Ip4>& in, Burst<stage::Ip4>& settled, Burst<stage::Ip4>& open) {
  in.drain([&](Packet<stage::Ip4> packet, const Row<stage::Ip4>& row) -> Done {
    if (!row.adj.is_none()) {
      Done done = settled.push(std::move(packet), row);
      return TWIN(done, );
    }
    return open.push(std::move(packet), row);
  });
}
