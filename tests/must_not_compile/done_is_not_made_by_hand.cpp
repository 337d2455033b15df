// Only push, the ends and parking make a Done.
// error: private
#include "dataplane/packet/burst.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;

Done forward(Packet<stage::Ip4> packet, const Row<stage::Ip4>& row, Burst<stage::Ip4>& out) {
  const auto pushed = out.push(std::move(packet), row);
  return Done(TWIN(pushed, ));
}
