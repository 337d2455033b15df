#include "control/show/cause_rates.hpp"

namespace strata {

std::array<std::uint64_t, kCauseCount> count_causes(WorkerSet& workers) {
  std::array<std::uint64_t, kCauseCount> counts{};
  for (unsigned i = 0; i < workers.size(); ++i)
    for (std::size_t cause = 0; cause < kCauseCount; ++cause)
      counts[cause] += workers.worker(i).ends().count(static_cast<Cause>(cause));
  return counts;
}

void CauseRates::look(WorkerSet& workers) {
  const auto now = count_causes(workers);
  for (std::size_t cause = 0; cause < kCauseCount; ++cause) rates_[cause] = now[cause] - before_[cause];
  before_ = now;
}

}  // namespace strata
