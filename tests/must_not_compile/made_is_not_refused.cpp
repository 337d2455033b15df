// No ICMP error goes to ourselves: what this machine made is not refused, it ends.
// error: no matching|no viable|constraint
#include "dataplane/packet/gate.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;
using Came = stage::TWIN(Ip4, Made);

Done refuse(Packet<Came> packet, const Row<Came>& row, Burst<stage::Refused>& out) {
  return Gate::refused(std::move(packet), row, 20, Cause::ip4_no_route, IcmpError::net_unreachable, 0, out);
}
