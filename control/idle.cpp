#include "control/idle.hpp"

#include <rte_epoll.h>
#include <rte_ethdev.h>
#include <rte_interrupts.h>
#include <sys/prctl.h>

#include <algorithm>
#include <array>
#include <thread>

namespace strata {
namespace {

// What is due by the clock is not late by more, nor is a packet whose interrupt was lost.
constexpr int kInterruptMs = 10;

// Linux lets a sleep of an ordinary process last 50 us longer, to wake several at once.
constexpr unsigned long kTimerSlackNs = 1000;

void ask_for_interrupts(const std::vector<RxQueue>& queues, int (*ask)(std::uint16_t, std::uint16_t)) {
  for (const RxQueue& q : queues) ask(q.device, q.queue);
}

}  // namespace

Idle::Idle(std::vector<RxQueue> queues, Wait wait) : queues_(std::move(queues)) {
  prctl(PR_SET_TIMERSLACK, kTimerSlackNs);
  if (wait == Wait::sleeps) return;
  by_interrupt_ = std::ranges::all_of(queues_, [](const RxQueue& q) {
    return rte_eth_dev_rx_intr_disable(q.device, q.queue) == 0 &&
           rte_eth_dev_rx_intr_ctl_q(q.device, q.queue, RTE_EPOLL_PER_THREAD, RTE_INTR_EVENT_ADD, nullptr) == 0;
  });
}

void Idle::wait() {
  if (by_interrupt_ && sleep_ == kLongest) return wait_for_interrupt();
  std::this_thread::sleep_for(sleep_);
  sleep_ = std::min(sleep_ * 2, kLongest);
}

void Idle::wait_for_interrupt() {
  ask_for_interrupts(queues_, rte_eth_dev_rx_intr_enable);
  // What came after the last round and before the interrupts were on makes none.
  const bool waiting =
      std::ranges::any_of(queues_, [](const RxQueue& q) { return rte_eth_rx_queue_count(q.device, q.queue) > 0; });
  if (!waiting) {
    std::array<rte_epoll_event, 1> event{};
    rte_epoll_wait(RTE_EPOLL_PER_THREAD, event.data(), static_cast<int>(event.size()), kInterruptMs);
  }
  ask_for_interrupts(queues_, rte_eth_dev_rx_intr_disable);
}

}  // namespace strata
