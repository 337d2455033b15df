// The threads of the workers, each on its lcore, and what they do between rounds.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "control/idle.hpp"
#include "control/live_eye.hpp"
#include "dataplane/worker_set.hpp"

namespace strata {

class WorkerThreads {
 public:
  // devices: DPDK's port numbers, by PortId. set, trace, capture: outlive the threads. Each has one of EAL's lcores, in
  // their order; the main one is not among them.
  WorkerThreads(WorkerSet& set, const std::vector<std::uint16_t>& devices, Trace& trace, Capture& capture);
  WorkerThreads(const WorkerThreads&) = delete;
  WorkerThreads& operator=(const WorkerThreads&) = delete;
  // All of them must have ended.
  ~WorkerThreads() { (void)stop(); }

  // All of them go round when this returns.
  void start();
  // When this returns nobody goes round any more. The error, in one sentence: a worker does not come to the end of its
  // round. It may yet, and uses all that it was given: nothing of that may go but with the process.
  tl::expected<void, std::string> stop();

  bool wait_by_interrupt() const;

  // What has many parts that belong together is read while nobody changes it: some microseconds, or as long as `read`
  // takes. The error, in one sentence: a worker does not come to the end of its round, and nothing was read.
  tl::expected<void, std::string> while_they_stand_still(const std::function<void()>& read);

  // Time in rounds that had packets, since the start.
  std::chrono::nanoseconds busy(unsigned worker) const;

 private:
  struct Lane {
    WorkerThreads* all;
    unsigned worker;
    std::vector<RxQueue> queues;
    std::atomic<bool> goes_round{false};
    std::atomic<bool> has_ended{false};
    std::atomic<bool> by_interrupt{false};
    std::atomic<std::uint64_t> stands_for{0};  // the number of the wish that it stands still for
    alignas(64) Relaxed<std::uint64_t> busy_ns = 0;
  };

  // Who was waited for in vain, and how many rounds it had made then.
  struct Late {
    unsigned worker;
    std::uint64_t rounds;
  };

  static int run(void* lane);
  void go_round(Lane& lane);
  void stand_still(Lane& lane, std::uint64_t wish);
  static tl::unexpected<std::string> makes_no_round(unsigned worker);
  const Lane* wait_until_all_stand(std::uint64_t wish) const;
  std::size_t round_looked_at(unsigned worker, std::uint64_t now_ns);

  WorkerSet& set_;
  Trace& trace_;
  Capture& capture_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  bool started_ = false;
  std::optional<Late> late_;
  std::atomic<bool> end_{false};
  std::atomic<std::uint64_t> wish_{0};  // odd: that all stand still
};

}  // namespace strata
