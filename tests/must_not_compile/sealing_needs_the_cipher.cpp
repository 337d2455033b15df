// An IPv6 packet leaves for the wire only with the proof that it was sealed, which the cipher alone gives.
// error: cannot (convert|bind|initialize)|invalid initialization|no matching|no viable
// error: could not convert|no known conversion
#include "dataplane/packet/gate.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;

struct Unsealed {};

Done send(Packet<stage::Unsealed> packet, const Row<stage::Unsealed>& row, TWIN(Sealed, Unsealed) proof,
          const EthernetHeader& header, Burst<stage::Out>& out) {
  return Gate::sealed(std::move(packet), row, proof, header, PortId(0), out);
}
