// Nothing is dropped without a cause.
// error: cannot (convert|bind|initialize)|invalid initialization|no matching|no viable
// error: could not convert|no known conversion
#include "dataplane/packet/ends.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;

struct Nothing {};

Done refuse(Packet<stage::Frame> packet, EndsOf<Cause::rx_multi_segment> ends) {
  return ends.end(std::move(packet), TWIN(Cause, Nothing){});
}
