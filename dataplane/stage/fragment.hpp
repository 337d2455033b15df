// Packets that are larger than their way takes leave in fragments, before any tunnel (RFC 1812 section 5.2.6; RFC 4301
// section 8 for why before).
#pragma once

#include "dataplane/packet/maker.hpp"
#include "dataplane/table/adjacency.hpp"

namespace strata {

// in: one packet, as its fragments may fill a whole burst.
void fragment(Burst<stage::Oversize>& in, const AdjacencyTable& adjacencies, const Maker& maker,
              Burst<stage::Steered>& steered, Burst<stage::Out>& out, FragmentEnds ends);

}  // namespace strata
