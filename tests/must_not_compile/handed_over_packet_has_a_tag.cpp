// A packet is handed to another worker only at a stage whose tag tells it apart there.
// error: constraint|Parkable
#include "dataplane/packet/handoff.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;
using At = stage::TWIN(Local, Ip6);

Done hand_over(Packet<At> packet, const Row<At>& row, Handoff& handoff) {
  return handoff.give(std::move(packet), row, WorkerId(1));
}
