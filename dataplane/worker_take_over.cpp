// A worker takes over other tables.
#include "dataplane/worker.hpp"

namespace strata {
namespace {

// The IDs go on in steps of the new size, in their turn.
void set_ip_ids(OutboundSa& sa, std::uint16_t turn, std::uint16_t step) {
  const auto next = static_cast<std::uint16_t>((sa.ip_id & ~(step - 1)) + step);
  sa.ip_id = static_cast<std::uint16_t>(next + turn);
  sa.ip_id_step = step;
}

bool same_limit(const IcmpSettings& a, const IcmpSettings& b) {
  return a.errors_per_second == b.errors_per_second && a.burst == b.burst;
}

}  // namespace

// The next hops that packets waited for, and that are known by it: once all of it is in force they can go on.
std::vector<AdjId<V4>> Worker::go_by(const TablesChange& change, std::uint64_t now_ns) {
  std::vector<AdjId<V4>> known;
  const Tables& before = *tables_;
  tables_ = change.tables;
  path_mtus_ = change.path_mtus;
  own_path_mtus_.reset();
  if (!same_limit(tables_->icmp, before.icmp)) icmp_limits_ = IcmpLimits(tables_->icmp);
  for (const AdjacencyChange& of : change.adjacencies)
    if (take_over(of, now_ns)) known.push_back(of.id);
  for (const InboundChange& of : change.inbound) {
    if (!holds(of.sa)) continue;
    InboundSa& sa = tables_->sas[of.sa.index()];
    sa.protocol = of.protocol;
    sa.selectors = of.selectors;
    sa.last_sid = {};
    sa.destination = of.destination;
  }
  for (const OutboundChange& of : change.outbound) {
    if (!holds(of.sa)) continue;
    OutboundSa& sa = tables_->out_sas[of.sa.index()];
    sa.adj = of.adj;
    sa.outer.change(of.ttl, of.dscp, of.df);
    if (sa.ip_id_step != of.ip_id_step || sa.ip_id % of.ip_id_step != of.ip_id_turn)
      set_ip_ids(sa, of.ip_id_turn, of.ip_id_step);
  }
  return known;
}

// Packets that wait for a next hop that is gone end here: their IDs may soon mean another one. True: it is known, and
// packets wait for it.
bool Worker::take_over(const AdjacencyChange& change, std::uint64_t now_ns) {
  if (change.what == AdjacencyChange::What::gone) {
    neighbors_.unconfigure(change.id, now_ns);
    drop_held(change.id);
    return false;
  }
  const AdjId<V4> before = neighbors_.configure(change.id, change.as, now_ns);
  if (!before.is_none()) held_.move(before, change.id);
  return adjacencies_[change.id].resolved && !held_.empty(change.id);
}

void Worker::drop_held(AdjId<V4> neighbor) {
  while (!held_.empty(neighbor)) {
    held_.take(neighbor, waited_, ends_);
    waited_.drain([&](Packet<stage::Unresolved> packet, const Row<stage::Unresolved>&) -> Done {
      return ResumeEnds(ends_).end(std::move(packet), Cause::adj_unresolved);
    });
  }
}

}  // namespace strata
