// While a next hop's MAC address is not known there is no header for its packets: they go back to the step they came
// from, which asks again.
// error: no matching|no viable|constraint
#include "dataplane/packet/gate.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;
using Sent = stage::TWIN(Made, Unresolved);

Done send(Packet<Sent> packet, const Row<Sent>& row, const EthernetHeader& header, Burst<stage::Out>& out) {
  return Gate::linked(std::move(packet), row, 20, header, PortId(0), out);
}
