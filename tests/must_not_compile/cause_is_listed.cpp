// A stage ends packets for the causes that its signature names, and for no other.
// error: not (a constant expression|in the stage's list)
#include "dataplane/packet/ends.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;

Done refuse(Packet<stage::Ip4> packet, EndsOf<Cause::ip4_no_route, Cause::adj_unresolved> ends) {
  return ends.end(std::move(packet), Cause::TWIN(ip4_no_route, esp_replayed));
}
