// How a packet gets from one worker to another: a ring for each ordered pair of them, each with one writer and one
// reader, and all that is in it parked under the tag of its stage.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "dataplane/ipsec/sa_owners.hpp"
#include "dataplane/packet/parking.hpp"
#include "dataplane/relaxed.hpp"

struct rte_ring;

namespace strata {

// One ring, and how far both its ends have come, counted from the start.
class HandoffRing {
 public:
  static constexpr unsigned kRoom = 2047;

  static tl::expected<std::unique_ptr<HandoffRing>, std::string> create();
  HandoffRing(const HandoffRing&) = delete;
  HandoffRing& operator=(const HandoffRing&) = delete;
  ~HandoffRing();

  // The writer's. As many as there is room for.
  unsigned put(rte_mbuf** buffers, unsigned n);
  // The reader's.
  unsigned take(rte_mbuf** buffers, unsigned most);
  void note_done(unsigned n) { done_.store(done_.load(std::memory_order_relaxed) + n, std::memory_order_release); }

  // Anybody's. Who sees a number sees what was done to the packets before it.
  std::uint64_t put_so_far() const { return put_.load(std::memory_order_acquire); }
  std::uint64_t done_so_far() const { return done_.load(std::memory_order_acquire); }

 private:
  explicit HandoffRing(rte_ring* ring) : ring_(ring) {}

  rte_ring* ring_;
  alignas(64) std::atomic<std::uint64_t> put_{0};
  alignas(64) std::atomic<std::uint64_t> done_{0};  // the reader is through with them
  std::uint64_t taken_ = 0;                         // the reader's
};

// The rings between all workers.
class HandoffRings {
 public:
  static tl::expected<HandoffRings, std::string> create(std::size_t workers);

  std::size_t workers() const { return workers_; }
  HandoffRing& at(WorkerId from, WorkerId to) const { return *rings_[from.index() * workers_ + to.index()]; }

 private:
  explicit HandoffRings(std::size_t workers) : workers_(workers) {}
  std::size_t workers_;
  std::vector<std::unique_ptr<HandoffRing>> rings_;
};

using HandoffEnds = EndsOf<Cause::handoff_full>;
using PickUpEnds = EndsOf<Cause::handoff_full, Cause::park_wrong_stage>;

// One worker's ends of the rings, those to itself among them.
class Handoff {
 public:
  // rings, ownership: outlive this.
  Handoff(const HandoffRings& rings, const Ownership& ownership, WorkerId self);
  Handoff(const Handoff&) = delete;
  Handoff& operator=(const Handoff&) = delete;
#ifndef NDEBUG
  ~Handoff();
#endif

  WorkerId self() const { return self_; }
  std::size_t workers() const { return rings_->workers(); }
  const Ownership& ownership() const { return *ownership_; }

  // It leaves with the next flush(). At most a burst for each worker between two of them.
  template <Parkable Stage>
  Done give(Packet<Stage>&& packet, const Row<Stage>& row, WorkerId to) {
    rte_mbuf* buffer = Access::release(std::move(packet));
    ParkingSlips::write(buffer, row);
    post(buffer, to);
    return Access::done();
  }
  void flush(HandoffEnds ends) { flush_to(ends); }

  // Up to a burst of what another worker, or this one, has put into its ring, each packet at its stage, in new places.
  // A packet of an SA that this worker does not hold yet goes on to this worker's own ring, and behind it whatever else
  // of an SA comes; there it waits at the front. So a ring from another worker always moves. Returns how many were
  // taken out; done() says that all of them are through.
  std::size_t pick_up(WorkerId from, Burst<stage::Arp>& arp, Burst<stage::Fragment>& fragments,
                      Burst<stage::EspIn>& esp, Burst<stage::Local>& local, Burst<stage::Refused>& refused,
                      Burst<stage::Unresolved>& unresolved, Burst<stage::Sr6Out>& sr6_out, Burst<stage::Out>& out,
                      PickUpEnds ends);
  void done(WorkerId from, std::size_t n) { in(from).note_done(static_cast<unsigned>(n)); }
  // Takes some out of the ring, so that what is put into other rings from now on is later than they are.
  bool fetch(WorkerId from);

  HandoffRing& in(WorkerId from) const { return rings_->at(from, self_); }
  HandoffRing& out(WorkerId to) const { return rings_->at(self_, to); }
  // Whether packets that this worker was too early for still stand in line, in its own ring or on their way to it.
  bool stands_in_line() const {
    return (filled_ >> self_.index() & 1) != 0 || in(self_).put_so_far() != in(self_).done_so_far();
  }

  // In the rings to this worker.
  std::uint64_t waiting() const;

  std::uint64_t handed_over() const { return handed_over_; }

 private:
  struct Outbox {
    std::size_t size = 0;
    rte_mbuf* buffers[kBurstSize];
  };
  // Of one ring: taken out, not yet picked up.
  struct Line {
    std::size_t first = 0;
    std::size_t size = 0;
    rte_mbuf* buffers[kBurstSize];
  };

  // What a parked packet's SA has to say to it.
  enum class Timing { no_sa, right, too_early };
  Timing timing(rte_mbuf* buffer) const;

  void post(rte_mbuf* buffer, WorkerId to) {
    Outbox& box = outboxes_[to.index()];
    assert(box.size < kBurstSize);
    box.buffers[box.size++] = buffer;
    filled_ |= std::uint64_t{1} << to.index();
  }
  template <class EndsType>
  void flush_to(EndsType ends);

  const HandoffRings* rings_;
  const Ownership* ownership_;
  WorkerId self_;
  std::vector<Outbox> outboxes_;  // by WorkerId
  std::uint64_t filled_ = 0;      // outboxes with something in them, by bit
  std::vector<Line> lines_;       // by WorkerId
  Relaxed<std::uint64_t> handed_over_ = 0;
};

}  // namespace strata
