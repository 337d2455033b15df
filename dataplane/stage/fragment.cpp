#include "dataplane/stage/fragment.hpp"

namespace strata {

using stage::Oversize;

void fragment(Burst<Oversize>& in, const AdjacencyTable& adjacencies, const Maker& maker,
              Burst<stage::Steered>& steered, Burst<stage::Out>& out, FragmentEnds ends) {
  assert(in.size() <= 1);
  Burst<Oversize> pieces;
  in.drain([&](Packet<Oversize> packet, const Row<Oversize>& row) -> Done {
    return maker.fragment(std::move(packet), row, pieces, ends);
  });
  pieces.drain([&](Packet<Oversize> piece, const Row<Oversize>& row) -> Done {
    const std::size_t total = std::as_const(piece).bytes().size();
    if (row.next_hop.is_policy()) return Gate::steered(std::move(piece), row, total, row.next_hop.policy(), steered);
    const Adjacency& adj = adjacencies[row.next_hop.adj()];
    return Gate::linked(std::move(piece), row, total, adj.header, adj.port, out);
  });
}

}  // namespace strata
