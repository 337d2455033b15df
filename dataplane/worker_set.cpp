#include "dataplane/worker_set.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

namespace strata {
namespace {

WorkerId worker_id(std::size_t i) { return WorkerId(static_cast<std::uint8_t>(i)); }

// A port with a queue for this worker takes its packets from it; else from the one whose turn it is.
Senders senders_for(std::size_t worker, const std::vector<WorkerPort>& ports) {
  Senders senders;
  for (const WorkerPort& port : ports) senders.push_back(worker_id(worker % port.tx_queues));
  return senders;
}

// Some microseconds where all go round; no core is taken from a worker for longer than that.
bool wait_until(const std::function<bool()>& holds, unsigned worker, const WorkerSet::Patience& patience) {
  constexpr unsigned kTurns = 1000;
  constexpr std::chrono::microseconds kMoment{20};
  for (unsigned turn = 0; !holds(); turn = std::min(turn + 1, kTurns)) {
    if (patience && !patience(worker)) return false;
    if (turn < kTurns)
      std::this_thread::yield();
    else
      std::this_thread::sleep_for(kMoment);
  }
  return true;
}

}  // namespace

tl::expected<std::unique_ptr<WorkerSet>, std::string> WorkerSet::create(Tables& tables,
                                                                        const std::vector<WorkerPort>& ports,
                                                                        const Pool& pool, unsigned count) {
  std::unique_ptr<WorkerSet> made(new WorkerSet);
  made->board_ = std::make_unique<NeighborBoard>(count);
  if (count > 1) {
    auto rings = HandoffRings::create(count);
    if (!rings) return tl::unexpected(std::move(rings.error()));
    // The outbound SAs are dealt on from where the inbound ones end: of a tunnel's pair each may have a worker.
    made->path_mtus_ = std::make_unique<PathMtus>(tables);
    // NOLINTNEXTLINE(modernize-make-unique): that takes a constructor, or moves what does not move
    made->team_.reset(new Team{.rings = std::move(*rings),
                               .ownership = {.in = SaOwners(tables.sas.room(), 0, count),
                                             .out = SaOwners(tables.out_sas.room(), tables.sas.size(), count)},
                               .board = *made->board_,
                               .path_mtus = made->path_mtus_.get()});
  }
  if (auto added = made->add(tables, ports, pool, count); !added) return tl::unexpected(std::move(added.error()));
  made->workers_[kHostWorker.index()]->worker->tell_neighbors(*made->board_);
  made->deal_queues(tables, ports);
  return made;
}

tl::expected<void, std::string> WorkerSet::add(Tables& tables, const std::vector<WorkerPort>& ports, const Pool& pool,
                                               unsigned count) {
  std::array<std::uint16_t, kMaxPorts> devices{};
  for (std::size_t i = 0; i < ports.size(); ++i) devices[i] = ports[i].device;
  for (unsigned i = 0; i < count; ++i) {
    std::optional<Membership> membership;
    if (team_) membership.emplace(Membership{team_.get(), worker_id(i), senders_for(i, ports)});
    auto worker = Worker::create(tables, devices, pool, std::move(membership));
    if (!worker) return tl::unexpected(std::move(worker.error()));
    workers_.push_back(std::make_unique<Member>());
    workers_.back()->worker = std::move(*worker);
    for (std::size_t port = 0; port < ports.size(); ++port)
      if (ports[port].sums == DeviceSums::believed)
        workers_.back()->worker->believe_header_sums(PortId(static_cast<std::uint8_t>(port)));
  }
  return {};
}

// One after the other, over all ports; but what this machine's own kernel sends is the host's worker's.
void WorkerSet::deal_queues(const Tables& tables, const std::vector<WorkerPort>& ports) {
  std::size_t turn = 0;
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const PortId port(static_cast<std::uint8_t>(i));
    for (std::uint16_t queue = 0; queue < ports[i].rx_queues; ++queue) {
      const std::size_t to = tables.ports[i].is_host ? kHostWorker.index() : turn++ % workers_.size();
      workers_[to]->queues.push_back({port, queue});
    }
  }
}

std::size_t WorkerSet::round(unsigned i, std::uint64_t now_ns, std::size_t most) {
  NoEye blind;
  return round(i, now_ns, blind, most);
}

WorkerId WorkerSet::owner(SaRef sa) const {
  if (!team_) return kHostWorker;
  return owners_of(sa).owner(sa.index);
}

bool WorkerSet::move(std::span<const SaRef> sas, WorkerId to, const Patience& patience) {
  if (!team_) return true;
  for (std::size_t from = 0; from < workers_.size(); ++from) {
    std::vector<SaRef> of_one;
    for (const SaRef sa : sas)
      if (owners_of(sa).owner(sa.index) == worker_id(from)) of_one.push_back(sa);
    if (of_one.empty() || worker_id(from) == to) continue;
    if (!move_from(worker_id(from), of_one, to, patience)) return false;
  }
  return true;
}

//             owner  holder
//              A      A      packets go to A, which uses the SA
//              B      A      packets go to B, where they stand in line; A is through with what it was sent before,
//                            and who it passed them on to is through with these
//              B      B      B goes on with them
bool WorkerSet::move_from(WorkerId from, std::span<const SaRef> sas, WorkerId to, const Patience& patience) {
  for (const SaRef sa : sas) owners_of(sa).set_owner(sa.index, to);
  if (!wait_for_a_round_of_all(patience)) return false;
  for (std::size_t i = 0; i < workers_.size(); ++i)
    if (!wait_for_ring(worker_id(i), from, patience)) return false;
  for (std::size_t i = 0; i < workers_.size(); ++i)
    if (!wait_for_ring(from, worker_id(i), patience)) return false;
  for (const SaRef sa : sas) owners_of(sa).set_holder(sa.index, to);
  return true;
}

// The host's worker first: others send it packets by next hops that only the new tables have.
//
// What a worker has sent on by the tables before is opened, sealed or answered once the rings have moved, and what
// comes of that once they have moved again.
bool WorkerSet::replace(TablesChange change, std::unique_ptr<PathMtus> path_mtus, const Patience& patience) {
  change_ = std::move(change);
  to_path_mtus_ = std::move(path_mtus);
  change_.path_mtus = to_path_mtus_.get();
  for (unsigned i = 0; i < size(); ++i) {
    Member& member = *workers_[i];
    member.change.store(&change_, std::memory_order_release);
    const auto has_it = [&] { return member.change.load(std::memory_order_acquire) == nullptr; };
    if (!wait_until(has_it, i, patience)) return false;
  }
  path_mtus_ = std::move(to_path_mtus_);
  return !team_ || (wait_for_all_rings(patience) && wait_for_all_rings(patience));
}

bool WorkerSet::wait_for_all_rings(const Patience& patience) const {
  for (std::size_t from = 0; from < workers_.size(); ++from)
    for (std::size_t to = 0; to < workers_.size(); ++to)
      if (!wait_for_ring(worker_id(from), worker_id(to), patience)) return false;
  return true;
}

// A round that is under way may have begun before, the one behind it has not.
bool WorkerSet::wait_for_a_round_of_all(const Patience& patience) const {
  std::vector<std::uint64_t> until;
  for (unsigned i = 0; i < size(); ++i) until.push_back(rounds(i) + 2);
  for (unsigned i = 0; i < size(); ++i)
    if (!wait_until([&] { return rounds(i) >= until[i]; }, i, patience)) return false;
  return true;
}

// Only what has waited at a ring's reader for an SA can stop it, and that is done before the next SA moves.
bool WorkerSet::wait_for_ring(WorkerId from, WorkerId to, const Patience& patience) const {
  const HandoffRing& ring = team_->rings.at(from, to);
  const std::uint64_t until = ring.put_so_far();
  return wait_until([&] { return ring.done_so_far() >= until; }, static_cast<unsigned>(to.index()), patience);
}

void WorkerSet::give_all_to_owners() {
  if (!team_) return;
  for (SaOwners* owners : {&team_->ownership.in, &team_->ownership.out})
    for (std::size_t sa = 0; sa < owners->size(); ++sa) owners->set_holder(sa, owners->owner(sa));
}

std::uint64_t WorkerSet::parked() const {
  std::uint64_t sum = 0;
  for (const auto& member : workers_) sum += member->worker->parked();
  return sum;
}

}  // namespace strata
