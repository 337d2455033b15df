// A packet at an SRv6 endpoint does not fit a burst of IPv4 packets: it has to go through the gate.
// error: cannot (convert|bind|initialize)|invalid initialization|no matching|no viable
// error: could not convert|no known conversion
#include "dataplane/packet/burst.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;

Done forward(Packet<stage::TWIN(Ip4, Sr6)> packet, const Row<stage::Ip4>& row, Burst<stage::Ip4>& out) {
  return out.push(std::move(packet), row);
}
