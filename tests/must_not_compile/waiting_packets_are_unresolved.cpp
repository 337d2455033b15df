// Whatever waits for a neighbor has a row that says for which one.
// error: cannot (convert|bind|initialize)|invalid initialization|no matching|no viable
// error: could not convert|no known conversion
#include "dataplane/packet/hold_queue.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;
using Waits = stage::TWIN(Unresolved, Ip4);

Done hold(Packet<Waits> packet, const Row<Waits>& row, HoldQueue& queue) {
  return queue.push(std::move(packet), row, PortId(0));
}
