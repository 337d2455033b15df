// A packet becomes the answer to itself only where it ends: one that passes through is never turned around.
// error: no matching|no viable|constraint
#include "dataplane/packet/gate.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;
using Came = stage::TWIN(Local, Ip4);

Done answer(Packet<Came> packet, const Row<Came>& row, std::span<const std::uint8_t> front, Burst<stage::Made>& out) {
  return Gate::answered(std::move(packet), row, front, {0, 20}, out);
}
