// The octets of the link's headers and those of the IPv6 headers are not one another's.
// error: cannot (convert|bind|initialize)|invalid initialization|no matching|no viable
// error: could not convert|no known conversion
#include "dataplane/packet/gate.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;

Done host(Packet<stage::Frame> frame, const Row<stage::Frame>& row, TWIN(LinkLength, OuterLength) length,
          Burst<stage::Host>& out) {
  return Gate::host(std::move(frame), row, length, out);
}
