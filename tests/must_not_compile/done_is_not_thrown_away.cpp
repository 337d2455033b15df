// Done is a receipt: to throw it away is to forget that the packet left.
// error: ignoring return(ed)? value.*nodiscard
#include "dataplane/packet/burst.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;

auto forward(Packet<stage::Ip4> packet, const Row<stage::Ip4>& row, Burst<stage::Ip4>& out) {
  TWIN(return, ) out.push(std::move(packet), row);
}
