// A packet that cannot go on does not: it is answered, or it ends.
// error: no matching|no viable|constraint
#include "dataplane/packet/gate.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;
using Sent = stage::TWIN(Local, Refused);

Done send(Packet<Sent> packet, const Row<Sent>& row, const EthernetHeader& header, Burst<stage::Out>& out) {
  return Gate::linked(std::move(packet), row, 20, header, PortId(0), out);
}
