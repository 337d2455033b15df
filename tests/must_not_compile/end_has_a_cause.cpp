// Nothing is dropped without a cause.
// error: (cannot convert|no known conversion|could not convert|no matching|no viable)
#include "dataplane/packet/ends.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;

struct Nothing {};

Done refuse(Packet<stage::Frame> packet, EndsOf<Cause::rx_multi_segment> ends) {
  return ends.end(std::move(packet), TWIN(Cause, Nothing){});
}
