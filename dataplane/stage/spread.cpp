#include "dataplane/stage/spread.hpp"

namespace strata {
namespace {

SaId sa_of(const Row<stage::EspIn>& row) { return row.from.sa(); }
OutSaId sa_of(const Row<stage::Sr6Out>& row) { return row.sa; }

// An SA that has just come to this worker may still be another one's to use: then its packets stand in the line of this
// worker's own, and while anything stands there, all of its own goes behind it.
template <class Stage>
void spread(Burst<Stage>& in, Handoff& handoff, Burst<Stage>& mine, HandoffEnds ends) {
  const Ownership& ownership = handoff.ownership();
  bool any_waits = handoff.stands_in_line();
  in.drain([&](Packet<Stage> packet, const Row<Stage>& row) -> Done {
    const WorkerId owner = ownership.owner(sa_of(row));
    if (owner != handoff.self()) return handoff.give(std::move(packet), row, owner);
    if (any_waits || ownership.holder(sa_of(row)) != owner) [[unlikely]] {
      any_waits = true;
      return handoff.give(std::move(packet), row, owner);
    }
    return mine.push(std::move(packet), row);
  });
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
