// What a policy takes cannot be linked like a packet in clear: it has to be sealed first.
// error: cannot (convert|bind|initialize)|no matching|no viable|no known conversion|could not convert
#include "dataplane/packet/gate.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;

void run(Burst<stage::TWIN(Ip4, Steered)>& in, const EthernetHeader& header, Burst<stage::Out>& out) {
  in.drain([&](auto packet, const auto& row) -> Done {
    return Gate::linked(std::move(packet), row, 20, header, PortId(0), out);
  });
}
