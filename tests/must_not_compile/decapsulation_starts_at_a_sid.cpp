// The IPv6 header comes off at a local SID, not before.
// error: cannot (convert|bind)|no known conversion|could not convert|no matching|no viable|cannot initialize|invalid initialization
#include "dataplane/packet/gate.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;

Done strip(Packet<stage::TWIN(Sr6, Ip6)> packet, const Row<stage::Sr6>& row, Burst<stage::Ip4>& out) {
  return Gate::decapsulated(std::move(packet), row, AdjId<V4>::none(), out);
}
