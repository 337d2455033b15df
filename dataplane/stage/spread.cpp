#include "dataplane/stage/spread.hpp"

namespace strata {
namespace {

template <class Stage>
void spread(Burst<Stage>& in, Handoff& handoff, Burst<Stage>& mine, HandoffEnds ends) {
  drain(in, SpreadStep<Stage, Burst<Stage>>(handoff, mine));
  handoff.flush(ends);
}

}  // namespace

void spread_in(Burst<stage::EspIn>& in, Handoff& handoff, Burst<stage::EspIn>& mine, HandoffEnds ends) {
  spread(in, handoff, mine, ends);
}

void spread_out(Burst<stage::Sr6Out>& in, Handoff& handoff, Burst<stage::Sr6Out>& mine, HandoffEnds ends) {
  spread(in, handoff, mine, ends);
}

void spread_tx(Burst<stage::Out>& in, const Senders& senders, Handoff& handoff, Burst<stage::Out>& mine,
               HandoffEnds ends) {
  in.drain([&](Packet<stage::Out> packet, const Row<stage::Out>& row) -> Done {
    const WorkerId sender = senders[row.port.index()];
    if (sender == handoff.self()) return mine.push(std::move(packet), row);
    return handoff.give(std::move(packet), row, sender);
  });
  handoff.flush(ends);
}

}  // namespace strata
