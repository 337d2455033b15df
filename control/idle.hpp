// How a worker waits: not at all under load, longer and longer when nothing comes.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <thread>

namespace strata {

class Idle {
 public:
  // received: packets of the last round over all queues.
  void after(std::size_t received) {
    if (received != 0) {
      empty_ = 0;
      sleep_ = kShortest;
      return;
    }
    if (++empty_ <= kBusyRounds) return;
    std::this_thread::sleep_for(sleep_);
    sleep_ = std::min(sleep_ * 2, kLongest);
  }

 private:
  static constexpr unsigned kBusyRounds = 64;
  static constexpr std::chrono::microseconds kShortest{1};
  static constexpr std::chrono::microseconds kLongest{100};

  unsigned empty_ = 0;
  std::chrono::microseconds sleep_ = kShortest;
};

}  // namespace strata
