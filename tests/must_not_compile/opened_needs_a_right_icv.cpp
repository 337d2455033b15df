// Only a packet whose ICV was compared and right leaves EspIn opened.
// error: cannot (convert|bind|initialize)|invalid initialization|no matching|no viable
// error: could not convert|no known conversion
#include "dataplane/packet/gate.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;

struct Unchecked {};

Done open(Packet<stage::EspIn> sealed, const Row<stage::EspIn>& row, TWIN(Authentic, Unchecked) icv,
          Burst<stage::Decrypted>& out) {
  return Gate::decrypted(std::move(sealed), row, std::move(icv), out);
}
