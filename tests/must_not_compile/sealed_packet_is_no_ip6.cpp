// A packet that is still sealed cannot be taken for the IPv6 packet in it.
// error: cannot (convert|bind|initialize)|invalid initialization|no matching|no viable
// error: could not convert|no known conversion
#include "dataplane/packet/gate.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;

Done come(Packet<stage::TWIN(Ip6, EspIn)> packet, const Row<stage::Ip6>& row, Burst<stage::Sr6>& out) {
  return Gate::at_sid(std::move(packet), row, 100, SidId(0), wire::Ecn::not_ect, out);
}
