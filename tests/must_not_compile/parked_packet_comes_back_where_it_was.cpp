// What was parked goes back into bursts of stages that may be parked. (Which of them, its tag says: a unit test.)
// error: constraint|Parkable
#include "dataplane/packet/parking.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;

Done come_back(Parked parked, Burst<stage::TWIN(Ip4, Ip6)>& out, Ends& ends) {
  return Parking::pick_up(std::move(parked), out, ends);
}
