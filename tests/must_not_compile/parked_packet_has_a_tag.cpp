// A packet is parked only at a stage whose tag tells it apart when it is picked up.
// error: constraint|Parkable
#include "dataplane/packet/parking.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;
using At = stage::TWIN(Ip4, Sr6);

void* lost = nullptr;
Done park(Packet<At> packet, const Row<At>& row) {
  return Parking::park(std::move(packet), row, [](Parked parked) { lost = Parked::leave(std::move(parked)); });
}
