// A row of one stage is not the row of another.
// error: cannot (convert|bind|initialize)|invalid initialization|no matching|no viable
// error: could not convert|no known conversion
#include "dataplane/packet/burst.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;

Done forward(Packet<stage::Ip4> packet, const Row<stage::TWIN(Ip4, Sr6)>& row, Burst<stage::Ip4>& out) {
  return out.push(std::move(packet), row);
}
