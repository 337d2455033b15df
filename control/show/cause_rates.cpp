#include "control/show/cause_rates.hpp"

#include <algorithm>
#include <cmath>

namespace strata {

std::array<std::uint64_t, kCauseCount> count_causes(WorkerSet& workers) {
  std::array<std::uint64_t, kCauseCount> counts{};
  for (unsigned i = 0; i < workers.size(); ++i)
    for (std::size_t cause = 0; cause < kCauseCount; ++cause)
      counts[cause] += workers.worker(i).ends().count(static_cast<Cause>(cause));
  return counts;
}

std::uint64_t per_second(std::uint64_t count, std::chrono::duration<double> since) {
  if (count == 0 || since.count() <= 0) return count;
  const double rate = static_cast<double>(count) / since.count();
  return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::llround(rate)));
}

void CauseRates::look(WorkerSet& workers, std::chrono::duration<double> since) {
  const auto now = count_causes(workers);
  for (std::size_t cause = 0; cause < kCauseCount; ++cause)
    rates_[cause] = per_second(now[cause] - before_[cause], since);
  before_ = now;
}

}  // namespace strata
