// How many packets end for each cause, second by second.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "dataplane/worker_set.hpp"

namespace strata {

class CauseRates {
 public:
  // Each second.
  void look(WorkerSet& workers);

  // Of the last second.
  std::uint64_t rate(Cause cause) const { return rates_[static_cast<std::size_t>(cause)]; }
  // Since the start, as of the end of that second.
  std::uint64_t total(Cause cause) const { return before_[static_cast<std::size_t>(cause)]; }

 private:
  std::array<std::uint64_t, kCauseCount> before_{};
  std::array<std::uint64_t, kCauseCount> rates_{};
};

// Over all workers.
std::array<std::uint64_t, kCauseCount> count_causes(WorkerSet& workers);

}  // namespace strata
