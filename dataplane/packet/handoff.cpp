#include "dataplane/packet/handoff.hpp"

#include <rte_malloc.h>
#include <rte_ring.h>

#include <algorithm>
#include <bit>

#include "dataplane/prefetch.hpp"

namespace strata {
namespace {

// Where a packet begins, what follows, and where a header is put before it: another core has written them last, and of
// most packets this one will write them.
void ask_for_begin(const rte_mbuf* buffer) {
  const auto* begin = rte_pktmbuf_mtod(buffer, const std::uint8_t*);
  prefetch_line_to_write(begin);
  prefetch_line_to_write(begin + RTE_CACHE_LINE_SIZE);
  prefetch_line_to_write(begin - RTE_CACHE_LINE_SIZE);
}

}  // namespace

// Not by rte_ring_create(): there would be a memzone for each, and of those DPDK has fewer than 64 workers need.
tl::expected<std::unique_ptr<HandoffRing>, std::string> HandoffRing::create() {
  constexpr unsigned kPlaces = kRoom + 1;  // DPDK keeps one free
  const auto size = static_cast<std::size_t>(rte_ring_get_memsize(kPlaces));
  auto* ring = static_cast<rte_ring*>(rte_zmalloc("strata_handoff", size, RTE_CACHE_LINE_SIZE));
  if (ring == nullptr || rte_ring_init(ring, "strata_handoff", kPlaces, RING_F_SP_ENQ | RING_F_SC_DEQ) != 0) {
    rte_free(ring);
    return tl::unexpected(
        std::string("no memory for the rings between workers; raise eal.memory or have fewer workers"));
  }
  return std::unique_ptr<HandoffRing>(new HandoffRing(ring));
}

HandoffRing::~HandoffRing() {
  void* buffer = nullptr;
  while (rte_ring_dequeue(ring_, &buffer) == 0) rte_pktmbuf_free(static_cast<rte_mbuf*>(buffer));
  rte_free(ring_);
}

unsigned HandoffRing::put(rte_mbuf** buffers, unsigned n) {
  const unsigned went = rte_ring_sp_enqueue_burst(ring_, reinterpret_cast<void**>(buffers), n, nullptr);
  put_.store(put_.load(std::memory_order_relaxed) + went, std::memory_order_release);
  return went;
}

// No more than is counted: what the counter was released with belongs to it.
unsigned HandoffRing::take(rte_mbuf** buffers, unsigned most) {
  const std::uint64_t there = put_so_far() - taken_;
  if (there == 0) return 0;
  const auto want = static_cast<unsigned>(std::min<std::uint64_t>(there, most));
  const unsigned came = rte_ring_sc_dequeue_burst(ring_, reinterpret_cast<void**>(buffers), want, nullptr);
  taken_ += came;
  return came;
}

tl::expected<HandoffRings, std::string> HandoffRings::create(std::size_t workers) {
  HandoffRings made(workers);
  for (std::size_t i = 0; i < workers * workers; ++i) {
    auto ring = HandoffRing::create();
    if (!ring) return tl::unexpected(std::move(ring.error()));
    made.rings_.push_back(std::move(*ring));
  }
  return made;
}

Handoff::Handoff(const HandoffRings& rings, const Ownership& ownership, WorkerId self)
    : rings_(&rings), ownership_(&ownership), self_(self), outboxes_(rings.workers()), lines_(rings.workers()) {}

#ifndef NDEBUG
Handoff::~Handoff() {
  for (const Outbox& box : outboxes_) assert(box.size == 0 && "packets were not flushed");
  for (const Line& line : lines_) assert(line.first == line.size && "packets were left in line");
}
#endif

template <class EndsType>
void Handoff::flush_to(EndsType ends) {
  for (; filled_ != 0; filled_ &= filled_ - 1) {
    const auto to = static_cast<std::size_t>(std::countr_zero(filled_));
    Outbox& box = outboxes_[to];
    HandoffRing& ring = out(WorkerId(static_cast<std::uint8_t>(to)));
    const unsigned went = ring.put(box.buffers, static_cast<unsigned>(box.size));
    handed_over_ += went;
    // Whatever stage it was parked at, what finds no room has come to its end.
    for (std::size_t i = went; i < box.size; ++i)
      (void)ends.end_somewhere(Access::adopt<stage::Out>(box.buffers[i]), Cause::handoff_full);
    box.size = 0;
  }
}
template void Handoff::flush_to(HandoffEnds);

std::uint64_t Handoff::waiting() const {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < workers(); ++i) {
    const HandoffRing& ring = in(WorkerId(static_cast<std::uint8_t>(i)));
    sum += ring.put_so_far() - ring.done_so_far();
  }
  return sum;
}

bool Handoff::fetch(WorkerId from) {
  Line& line = lines_[from.index()];
  if (line.first != line.size) return true;
  line.first = 0;
  line.size = in(from).take(line.buffers, kBurstSize);
  // Another core has written them last.
  for (std::size_t i = 0; i < line.size; ++i) {
    prefetch_line_to_write(line.buffers[i]);
    prefetch_line_to_write(ParkingSlips::of(line.buffers[i]));
  }
  return line.size != 0;
}

// Too early: the SA is on its way to this worker, and its last holder is not through with it.
Handoff::Timing Handoff::timing(rte_mbuf* buffer) const {
  const auto of = [this](auto sa) { return ownership_->holder(sa) == self_ ? Timing::right : Timing::too_early; };
  if (const auto esp = ParkingSlips::peek<stage::EspIn>(buffer)) return of(esp->from.sa());
  if (const auto sr6 = ParkingSlips::peek<stage::Sr6Out>(buffer)) return of(sr6->sa);
  return Timing::no_sa;
}

std::size_t Handoff::pick_up(WorkerId from, Burst<stage::Arp>& arp, Burst<stage::Fragment>& fragments,
                             Burst<stage::EspIn>& esp, Burst<stage::Local>& local, Burst<stage::Refused>& refused,
                             Burst<stage::Unresolved>& unresolved, Burst<stage::Sr6Out>& sr6_out,
                             Burst<stage::Out>& out, PickUpEnds ends) {
  if (!fetch(from)) return 0;
  Line& line = lines_[from.index()];
  bool any_waits = from != self_ && stands_in_line();
  std::size_t n = 0;
  constexpr std::size_t kAhead = 4;
  for (std::size_t i = line.first; i < std::min(line.first + kAhead, line.size); ++i) ask_for_begin(line.buffers[i]);
  for (; line.first != line.size; ++line.first, ++n) {
    rte_mbuf* buffer = line.buffers[line.first];
    if (line.first + kAhead < line.size) ask_for_begin(line.buffers[line.first + kAhead]);
    const Timing sa = timing(buffer);
    if (sa == Timing::too_early || (any_waits && sa == Timing::right)) [[unlikely]] {
      if (from == self_) break;
      any_waits = true;
      post(buffer, self_);
      continue;
    }
    Parked parked = Parked::arrive(buffer);
    const auto place = static_cast<Arrival>(n);
    const bool known = Parking::pick_up_at(parked, place, esp) || Parking::pick_up_at(parked, place, sr6_out) ||
                       Parking::pick_up_at(parked, place, out) || Parking::pick_up_at(parked, place, unresolved) ||
                       Parking::pick_up_at(parked, place, local) || Parking::pick_up_at(parked, place, refused) ||
                       Parking::pick_up_at(parked, place, fragments) || Parking::pick_up_at(parked, place, arp);
    if (!known)
      (void)ends.end_somewhere(Access::adopt<stage::Out>(static_cast<rte_mbuf*>(Parked::leave(std::move(parked)))),
                               Cause::park_wrong_stage);
  }
  flush_to(ends);
  return n;
}

}  // namespace strata
