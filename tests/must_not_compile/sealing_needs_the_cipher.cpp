// An IPv6 packet leaves for the wire only with the proof that it was sealed, which the cipher alone gives.
// error: private|deleted|no matching|calling a protected
#include "dataplane/ipsec/aead.hpp"
#include "dataplane/packet/gate.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;

void run(Burst<stage::Sr6Out>& in, Aead& aead, AeadBatch& batch, const EthernetHeader& header, Burst<stage::Out>& out) {
  const std::optional<Sealed> proof = aead.seal(batch);
  in.drain([&](Packet<stage::Sr6Out> packet, const Row<stage::Sr6Out>& row) -> Done {
    return Gate::sealed(std::move(packet), row, TWIN(*proof, Sealed()), header, PortId(0), out);
  });
}
