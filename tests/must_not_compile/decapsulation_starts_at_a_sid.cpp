// The IPv6 header comes off at a local SID, not before.
// error: cannot (convert|bind|initialize)|invalid initialization|no matching|no viable
// error: could not convert|no known conversion
#include "dataplane/packet/gate.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;

Done strip(Packet<stage::TWIN(Sr6, Ip6)> packet, const Row<stage::Sr6>& row, Burst<stage::Ip4>& out) {
  return Gate::decapsulated(std::move(packet), row, OuterLength{40}, AdjId<V4>::none(), out);
}
