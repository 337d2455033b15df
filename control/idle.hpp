// How a worker waits: not at all under load, longer and longer when nothing comes.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace strata {

struct RxQueue {
  std::uint16_t device;
  std::uint16_t queue;
};

class Idle {
 public:
  enum class Wait : std::uint8_t { interrupts, sleeps };

  // queues: all that the worker polls. When each of them can interrupt, that is what a long wait waits for; when one
  // cannot, it is polled between short sleeps, and interrupts of the others would be of no use.
  // To be made in the worker's thread, whose waits these are. sleeps: what comes otherwise makes no interrupt.
  Idle(std::vector<RxQueue> queues, Wait wait);

  bool by_interrupt() const { return by_interrupt_; }

  // received: packets of the last round over all queues.
  void after(std::size_t received) {
    if (received == 0) {
      if (++empty_ > kBusyRounds) wait();
      return;
    }
    empty_ = 0;
    sleep_ = kShortest;
  }

 private:
  // A burst under way is followed by the next within microseconds: sleeping would cost more than it saves.
  static constexpr unsigned kBusyRounds = 64;
  static constexpr std::chrono::microseconds kShortest{1};
  static constexpr std::chrono::microseconds kLongest{100};

  void wait();
  void wait_for_interrupt();

  std::vector<RxQueue> queues_;
  bool by_interrupt_ = false;
  unsigned empty_ = 0;
  std::chrono::microseconds sleep_ = kShortest;
};

}  // namespace strata
