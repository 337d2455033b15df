// The step of a burst returns the Done of what it did: pushed, ended or parked.
// error: the step must say what became of its packet
#include "dataplane/packet/burst.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;

void forward(Burst<stage::Ip4>& in, Burst<stage::Ip4>& out) {
  in.drain([&](Packet<stage::Ip4> packet, const Row<stage::Ip4>& row) {
    TWIN(return, void)(out.push(std::move(packet), row));
  });
}
