// What an SA has decrypted leaves past local_sid only with the proof that its SA has let in its addresses before.
// error: cannot (convert|bind|initialize)|invalid initialization|no matching|no viable
// error: could not convert|no known conversion
#include "dataplane/packet/gate.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;

Done pass(Packet<stage::Decrypted> packet, const Row<stage::Decrypted>& row, TWIN(LetIn, SidId) sid,
          const EthernetHeader& header, Burst<stage::Out>& out) {
  return Gate::cross_connected(std::move(packet), row, sid, {56, 20}, header, PortId(0), out);
}
