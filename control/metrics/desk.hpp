// Where threads that are not the gateway's ask for what its main thread alone may collect.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>

#include "control/descriptor.hpp"
#include "control/metrics/families.hpp"

namespace strata::metrics {

class Desk {
 public:
  using Collected = std::shared_ptr<const Families>;

  Desk();

  // From any thread: waits for the main thread, but not for ever. nullptr: it did not answer.
  Collected ask(std::chrono::milliseconds patience);

  // Of the main thread. Readable when somebody asks.
  int fd() const { return bell_.number(); }
  void serve(const std::function<Collected()>& collect);

 private:
  Descriptor bell_;
  std::mutex mutex_;
  std::condition_variable answered_;
  unsigned waiting_ = 0;
  std::uint64_t answers_ = 0;
  Collected last_;
};

}  // namespace strata::metrics
