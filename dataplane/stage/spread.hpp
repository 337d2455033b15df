// What another worker has to go on with: each SA has one that opens or seals for it, what concerns this machine itself
// is the host's worker's, and a port with fewer queues than there are workers is sent to by those that have one.
//
// ESP in UDP has one 5-tuple for each peer, so a device that spreads packets has nothing to spread them by.
#pragma once

#include "dataplane/packet/handoff.hpp"
#include "dataplane/packet/straight.hpp"
#include "dataplane/table/tables.hpp"

namespace strata {

// Packets of one burst, or of one loop. What is given away leaves with the next Handoff::flush().
//
// An SA that has just come to this worker may still be another one's to use: then its packets stand in the line of this
// worker's own, and while anything stands there, all of its own goes behind it.
template <class Stage, LeadsTo<Stage> ToMine>
struct SpreadStep {
  using stage_type = Stage;

  SpreadStep(Handoff& to_others, ToMine& to_mine)
      : handoff(to_others), mine(to_mine), any_waits_(to_others.stands_in_line()) {}

  Handoff& handoff;
  ToMine& mine;

  Done input(Packet<Stage> packet, const Row<Stage>& row) const {
    const Ownership& ownership = handoff.ownership();
    const auto sa = sa_of(row);
    const WorkerId owner = ownership.owner(sa);
    if (owner != handoff.self()) return handoff.give(std::move(packet), row, owner);
    if (any_waits_ || ownership.holder(sa) != owner) [[unlikely]] {
      any_waits_ = true;
      return handoff.give(std::move(packet), row, owner);
    }
    return mine.push(std::move(packet), row);
  }

 private:
  static SaId sa_of(const Row<stage::EspIn>& row) { return row.from.sa(); }
  static OutSaId sa_of(const Row<stage::Sr6Out>& row) { return row.sa; }

  mutable bool any_waits_;
};

// Packets of SAs of this worker stay, in their order; the others leave with all that was given to `handoff`.
void spread_in(Burst<stage::EspIn>& in, Handoff& handoff, Burst<stage::EspIn>& mine, HandoffEnds ends);
void spread_out(Burst<stage::Sr6Out>& in, Handoff& handoff, Burst<stage::Sr6Out>& mine, HandoffEnds ends);

// Who sends for a worker out of each port; by PortId.
using Senders = std::vector<WorkerId>;
void spread_tx(Burst<stage::Out>& in, const Senders& senders, Handoff& handoff, Burst<stage::Out>& mine,
               HandoffEnds ends);

// All of a burst to the host's worker.
template <class Stage>
void to_host(Burst<Stage>& in, Handoff& handoff, HandoffEnds ends) {
  in.drain([&](Packet<Stage> packet, const Row<Stage>& row) -> Done {
    return handoff.give(std::move(packet), row, kHostWorker);
  });
  handoff.flush(ends);
}

}  // namespace strata
