// What comes out of End.DX4 is an IPv4 packet and goes nowhere else.
// error: cannot (convert|bind|initialize)|invalid initialization|no matching|no viable
// error: could not convert|no known conversion
#include "dataplane/packet/gate.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;

Done strip(Packet<stage::Sr6> packet, const Row<stage::Sr6>& row, Burst<stage::TWIN(Ip4, Ip6)>& out) {
  return Gate::decapsulated(std::move(packet), row, OuterLength{40}, AdjId<V4>::none(), out);
}
