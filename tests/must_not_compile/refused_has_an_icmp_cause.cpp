// An ICMP error tells of routing, never of what IPsec thinks of a packet.
// error: not a constant expression|this cause is not in the stage's list|not.*constant
#include "dataplane/packet/gate.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;

Done refuse(Packet<stage::Ip4> packet, const Row<stage::Ip4>& row, Burst<stage::Refused>& out) {
  return Gate::refused(std::move(packet), row, 20, Cause::TWIN(ip4_no_route, policy_no_sa), IcmpError::net_unreachable,
                       0, out);
}
