#include "control/worker_threads.hpp"

#include <rte_launch.h>
#include <rte_lcore.h>

#include <algorithm>
#include <cstdlib>
#include <thread>

namespace strata {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::microseconds kMoment{20};
// Beyond, a worker is not in a long round but in none: its device's driver hangs, or something has stopped it.
constexpr std::chrono::seconds kLongestRound{3};

std::uint64_t now_ns() {
  return static_cast<std::uint64_t>(std::chrono::nanoseconds(Clock::now().time_since_epoch()).count());
}

}  // namespace

WorkerThreads::WorkerThreads(WorkerSet& set, const std::vector<std::uint16_t>& devices, Trace& trace, Capture& capture)
    : set_(set), trace_(trace), capture_(capture) {
  for (unsigned i = 0; i < set.size(); ++i) {
    lanes_.push_back(std::make_unique<Lane>());
    lanes_.back()->all = this;
    lanes_.back()->worker = i;
    for (const WorkerSet::Queue& at : set.queues(i))
      lanes_.back()->queues.push_back({devices[at.port.index()], at.queue});
  }
}

void WorkerThreads::start() {
  started_ = true;
  unsigned lcore = rte_get_next_lcore(-1, 1, 0);
  for (const auto& lane : lanes_) {
    // Eal::start_live has made one for each, and nothing else uses them.
    if (rte_eal_remote_launch(&run, lane.get(), lcore) != 0) std::abort();
    lcore = rte_get_next_lcore(lcore, 1, 0);
  }
  for (const auto& lane : lanes_)
    while (!lane->goes_round) std::this_thread::sleep_for(kMoment);
}

tl::expected<void, std::string> WorkerThreads::stop() {
  if (!started_) return {};
  end_ = true;
  const Clock::time_point until = Clock::now() + kLongestRound;
  for (const auto& lane : lanes_) {
    while (!lane->has_ended.load(std::memory_order_acquire)) {
      if (Clock::now() > until)
        return tl::unexpected("worker " + std::to_string(lane->worker) +
                              " does not come to the end of its round, after " + std::to_string(kLongestRound.count()) +
                              " s; what its queues and those of the devices hold was not forwarded");
      std::this_thread::sleep_for(kMoment);
    }
  }
  rte_eal_mp_wait_lcore();
  started_ = false;
  return {};
}

bool WorkerThreads::wait_by_interrupt() const {
  return std::ranges::all_of(lanes_, [](const auto& lane) { return lane->by_interrupt.load(); });
}

int WorkerThreads::run(void* lane) {
  auto* const mine = static_cast<Lane*>(lane);
  mine->all->go_round(*mine);
  mine->has_ended.store(true, std::memory_order_release);
  return 0;
}

// The clock is read once a round: what a round took is known when the next one begins.
void WorkerThreads::go_round(Lane& lane) {
  // What another worker hands over makes no interrupt.
  Idle idle(std::move(lane.queues), lanes_.size() == 1 ? Idle::Wait::interrupts : Idle::Wait::sleeps);
  lane.by_interrupt = idle.by_interrupt();
  lane.goes_round = true;
  std::uint64_t before = now_ns();
  bool was_busy = false;
  while (!end_.load(std::memory_order_relaxed)) {
    std::uint64_t now = now_ns();
    if (was_busy) lane.busy_ns += now - before;
    if (const std::uint64_t wish = wish_.load(std::memory_order_acquire); (wish & 1) != 0) [[unlikely]] {
      stand_still(lane, wish);
      now = now_ns();
    }
    const bool is_looked_at = trace_.is_on() || capture_.is_on();
    const std::size_t packets = is_looked_at ? round_looked_at(lane.worker, now) : set_.round(lane.worker, now);
    was_busy = packets != 0;
    before = now;
    idle.after(packets);
  }
}

std::size_t WorkerThreads::round_looked_at(unsigned worker, std::uint64_t now_ns) {
  LiveEye eye(trace_, capture_, set_, worker, now_ns);
  return set_.round(worker, now_ns, eye);
}

void WorkerThreads::stand_still(Lane& lane, std::uint64_t wish) {
  lane.stands_for.store(wish, std::memory_order_release);
  while (wish_.load(std::memory_order_acquire) == wish) std::this_thread::sleep_for(kMoment);
}

// Who does not; nullptr: all do.
const WorkerThreads::Lane* WorkerThreads::wait_until_all_stand(std::uint64_t wish) const {
  const Clock::time_point until = Clock::now() + kLongestRound;
  for (const auto& lane : lanes_) {
    while (lane->stands_for.load(std::memory_order_acquire) != wish) {
      if (Clock::now() > until) return lane.get();
      std::this_thread::sleep_for(kMoment);
    }
  }
  return nullptr;
}

tl::unexpected<std::string> WorkerThreads::makes_no_round(unsigned worker) {
  return tl::unexpected("worker " + std::to_string(worker) + " has made no round for " +
                        std::to_string(kLongestRound.count()) + " s: what it has counted cannot be read");
}

// Each wish has a number of its own: who comes late to one stands for none that came after it. While one is waited for
// the others stand, and their packets with them: whoever was waited for in vain is not waited for again before it
// moves.
tl::expected<void, std::string> WorkerThreads::while_they_stand_still(const std::function<void()>& read) {
  if (!started_) {
    read();
    return {};
  }
  if (late_ && set_.rounds(late_->worker) == late_->rounds) return makes_no_round(late_->worker);
  late_.reset();
  const std::uint64_t wish = wish_.fetch_add(1, std::memory_order_acq_rel) + 1;
  const Lane* const late = wait_until_all_stand(wish);
  if (late == nullptr) read();
  wish_.store(wish + 1, std::memory_order_release);
  if (late == nullptr) return {};
  late_ = Late{late->worker, set_.rounds(late->worker)};
  return makes_no_round(late->worker);
}

std::chrono::nanoseconds WorkerThreads::busy(unsigned worker) const {
  return std::chrono::nanoseconds(lanes_[worker]->busy_ns);
}

}  // namespace strata
