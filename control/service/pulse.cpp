#include "control/service/pulse.hpp"

#include <utility>

namespace strata {

void Pulse::look(const std::vector<std::uint64_t>& rounds) {
  const std::vector<std::uint64_t> before = std::exchange(before_, rounds);
  stands_.resize(rounds.size());
  stopped_.clear();
  resumed_.clear();
  for (unsigned worker = 0; worker < before.size(); ++worker) {
    const bool stands = rounds[worker] == before[worker];
    if (stands == stands_[worker]) continue;
    stands_[worker] = stands;
    still_ += stands ? 1U : -1U;
    (stands ? stopped_ : resumed_).push_back(worker);
  }
}

}  // namespace strata
