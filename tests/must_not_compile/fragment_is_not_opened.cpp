// RFC 4303 section 3.4.1: no fragment is given to ESP. Only what arrived whole, or was put together, has a way there.
// error: cannot (convert|bind|initialize)|invalid initialization|no matching|no viable
// error: could not convert|no known conversion
#include "dataplane/packet/gate.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;
using Came = stage::TWIN(Host, Fragment);

Done open(Packet<Came> packet, const Row<Came>& row, Burst<stage::EspIn>& out) {
  return Gate::esp(std::move(packet), row, {20, 40}, SaId(0), wire::Ipv4Address{}, wire::Ecn::not_ect, out);
}
