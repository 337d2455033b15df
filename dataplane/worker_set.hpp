// The workers of one gateway: who polls which queue, who has which SA, and how that changes.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "dataplane/worker.hpp"

namespace strata {

// A device of DPDK as a port, by PortId.
struct WorkerPort {
  std::uint16_t device;
  std::uint16_t rx_queues = 1;
  std::uint16_t tx_queues = 1;
  DeviceSums sums = DeviceSums::none;
};

// An inbound or an outbound SA.
struct SaRef {
  enum class Direction : std::uint8_t { in, out } direction;
  std::uint32_t index;  // SaId, OutSaId
};

class WorkerSet {
 public:
  struct Queue {
    PortId port;
    std::uint16_t queue;
  };

  static constexpr unsigned kMost = 64;

  // Asked again and again while this worker is waited for. False: it is waited for no longer.
  using Patience = std::function<bool(unsigned worker)>;

  // tables, pool: outlive the set. count: 1 to kMost. One worker alone has no rings and no owners, and goes the same
  // way as a Worker without a set.
  static tl::expected<std::unique_ptr<WorkerSet>, std::string> create(Tables& tables,
                                                                      const std::vector<WorkerPort>& ports,
                                                                      const Pool& pool, unsigned count);

  unsigned size() const { return static_cast<unsigned>(workers_.size()); }
  Worker& worker(unsigned i) { return *workers_[i]->worker; }
  const std::vector<Queue>& queues(unsigned i) const { return workers_[i]->queues; }
  // How many rounds a worker has made, empty ones too.
  std::uint64_t rounds(unsigned i) const { return workers_[i]->rounds.load(std::memory_order_acquire); }

  // One round of a worker: its clock, each of its queues, what others have handed over. From any thread, but for each
  // worker from one at a time. most: frames of each queue; 0: none are received. Returns how many packets there were;
  // 0 says that it has nothing to do.
  std::size_t round(unsigned i, std::uint64_t now_ns, std::size_t most = kTurn);
  // The same while an eye looks on.
  template <class Eye>
  std::size_t round(unsigned i, std::uint64_t now_ns, Eye& eye, std::size_t most = kTurn);

  // Gives SAs to another worker, while all of them go round in threads of their own: no packet is lost by it, and those
  // of an SA stay in their order. Waits for the workers, some microseconds. One thread may do so at a time. False: a
  // worker was not waited for, and these SAs stand between two; the set is good for nothing but its end.
  bool move(std::span<const SaRef> sas, WorkerId to, const Patience& patience = nullptr);
  WorkerId owner(SaRef sa) const;

  // Other tables take the place of those that the workers go by, while all of them go round in threads of their own: no
  // packet is lost by it. When it returns, nobody goes by those before, nor has a packet on its way that refers to an
  // entry which the new ones do not have. change.tables: outlive the set, or the next replace(). False: a worker was
  // not waited for, and some go by these tables, some by those before, which both outlive the set; it is good for
  // nothing but its end.
  bool replace(TablesChange change, std::unique_ptr<PathMtus> path_mtus, const Patience& patience = nullptr);

  // What the host's worker learns of neighbors.
  NeighborBoard& neighbor_board() { return *board_; }

  // When none of them goes round in a thread any more, and nothing is left in a ring for who has an SA still: what a
  // move that was given up left between two workers is at its new one.
  void give_all_to_owners();

  // Between workers and within them; when none of them goes round.
  std::uint64_t parked() const;

 private:
  struct Member {
    std::unique_ptr<Worker> worker;
    std::vector<Queue> queues;
    alignas(64) std::atomic<std::uint64_t> rounds{0};
    std::atomic<const TablesChange*> change{nullptr};  // that it is to take over
  };

  WorkerSet() = default;
  tl::expected<void, std::string> add(Tables& tables, const std::vector<WorkerPort>& ports, const Pool& pool,
                                      unsigned count);
  void deal_queues(const Tables& tables, const std::vector<WorkerPort>& ports);
  SaOwners& owners_of(SaRef sa) const {
    return sa.direction == SaRef::Direction::in ? team_->ownership.in : team_->ownership.out;
  }
  bool move_from(WorkerId from, std::span<const SaRef> sas, WorkerId to, const Patience& patience);
  bool wait_for_a_round_of_all(const Patience& patience) const;
  bool wait_for_ring(WorkerId from, WorkerId to, const Patience& patience) const;
  bool wait_for_all_rings(const Patience& patience) const;

  std::unique_ptr<NeighborBoard> board_;
  TablesChange change_;                     // the last one: who was not waited for may come to it yet
  std::unique_ptr<PathMtus> path_mtus_;     // nullptr: the one worker has its own
  std::unique_ptr<PathMtus> to_path_mtus_;  // of a change that is under way
  std::unique_ptr<Team> team_;              // nullptr: one worker
  std::vector<std::unique_ptr<Member>> workers_;
};

template <class Eye>
std::size_t WorkerSet::round(unsigned i, std::uint64_t now_ns, Eye& eye, std::size_t most) {
  Member& member = *workers_[i];
  if (const TablesChange* change = member.change.load(std::memory_order_acquire); change != nullptr) [[unlikely]] {
    member.worker->take_over(*change, now_ns, eye);
    member.change.store(nullptr, std::memory_order_release);
  }
  std::size_t received = 1;  // it is not idle while it catches up
  if (member.worker->catch_up(now_ns)) {
    member.worker->tick(now_ns);
    received = 0;
    if (most != 0) [[likely]] {  // in braces: without them cppcheck gives the file up
      for (const Queue& at : member.queues) received += member.worker->turn(at.port, at.queue, most, now_ns, eye);
    }
    received += member.worker->turn_handed(now_ns, eye);
  }
  member.rounds.store(member.rounds.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  return received;
}

}  // namespace strata
