// Fragments are made of a packet that was found to be too large, for the MTU that its row says.
// error: cannot (convert|bind|initialize)|invalid initialization|no matching|no viable
// error: could not convert|no known conversion
#include "dataplane/packet/maker.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;
using Cut = stage::TWIN(Oversize, Ip4);

Done cut(const Maker& maker, Packet<Cut> packet, const Row<Cut>& row, Burst<stage::Oversize>& pieces,
         FragmentEnds ends) {
  return maker.fragment(std::move(packet), row, pieces, ends);
}
