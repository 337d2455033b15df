// A cause is known when the stage is compiled: only so can it be held against the stage's list.
// error: not (usable in )?a constant expression|not usable in a constant expression
#include "dataplane/packet/ends.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;

Done refuse(Packet<stage::Ip4> packet, EndsOf<Cause::ip4_no_route> ends) {
  TWIN(constexpr, static) Cause cause = Cause::ip4_no_route;
  return ends.end(std::move(packet), cause);
}
