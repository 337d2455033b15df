#include "control/metrics/desk.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <utility>

namespace strata::metrics {

Desk::Desk() : bell_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

Desk::Collected Desk::ask(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  const std::uint64_t before = answers_;
  ++waiting_;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t rung = ::write(bell_.number(), &one, sizeof one);
  const bool answered = answered_.wait_for(lock, patience, [&] { return answers_ != before; });
  --waiting_;
  Collected collected = answered ? last_ : nullptr;
  if (waiting_ == 0) last_.reset();
  return collected;
}

void Desk::serve(const std::function<Collected()>& collect) {
  std::uint64_t rings = 0;
  if (::read(bell_.number(), &rings, sizeof rings) != sizeof rings) return;
  // Outside of the lock: whoever asks meanwhile rings again.
  Collected collected = collect();
  const std::lock_guard lock(mutex_);
  last_ = std::move(collected);
  ++answers_;
  answered_.notify_all();
}

}  // namespace strata::metrics
