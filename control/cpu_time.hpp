// What a thread has worked so far: others on the machine do not count.
#pragma once

#include <time.h>

#include <chrono>

namespace strata {

inline std::chrono::nanoseconds cpu_time_of_this_thread() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace strata
