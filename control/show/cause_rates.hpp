// How many packets end for each cause, second by second.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <vector>

#include "dataplane/worker_set.hpp"

namespace strata {

class CauseRates {
 public:
  // since: the last time; each second, or later where the main thread was held up.
  void look(WorkerSet& workers, std::chrono::duration<double> since);

  // In a second, since the last look but one.
  std::uint64_t rate(Cause cause) const { return rates_[static_cast<std::size_t>(cause)]; }
  // Since the start, as of the end of that second.
  std::uint64_t total(Cause cause) const { return before_[static_cast<std::size_t>(cause)]; }

 private:
  std::array<std::uint64_t, kCauseCount> before_{};
  std::array<std::uint64_t, kCauseCount> rates_{};
};

// As a whole number: 0 only where nothing came.
std::uint64_t per_second(std::uint64_t count, std::chrono::duration<double> since);

// Over all workers.
std::array<std::uint64_t, kCauseCount> count_causes(WorkerSet& workers);

}  // namespace strata
