#include "control/rebalance.hpp"

#include <algorithm>
#include <numeric>

namespace strata {
namespace {

constexpr double kMuch = 0.5;         // below, nobody needs relief
constexpr double kMuchUnlike = 0.25;  // less than that comes and goes by itself
// What a packet costs beside its octets, in octets.
constexpr std::uint64_t kPacket = 500;

std::uint64_t cost_of(std::uint64_t packets, std::uint64_t octets) { return packets * kPacket + octets; }

}  // namespace

std::optional<Relief> relief_of(const std::vector<double>& busy) {
  const auto most = std::ranges::max_element(busy);
  const auto least = std::ranges::min_element(busy);
  if (*most < kMuch || *most - *least < kMuchUnlike) return std::nullopt;
  return Relief{WorkerId(static_cast<std::uint8_t>(most - busy.begin())),
                WorkerId(static_cast<std::uint8_t>(least - busy.begin()))};
}

std::vector<SaRef> sas_to_move(const std::vector<double>& busy, const Relief& relief, std::vector<SaLoad> sas) {
  std::erase_if(sas, [&](const SaLoad& sa) { return sa.owner != relief.from || sa.load == 0; });
  std::ranges::stable_sort(sas, std::ranges::greater{}, &SaLoad::load);
  const auto all = std::accumulate(sas.begin(), sas.end(), std::uint64_t{0},
                                   [](std::uint64_t sum, const SaLoad& sa) { return sum + sa.load; });
  const double most = busy[relief.from.index()];
  const double share = (most - busy[relief.to.index()]) / 2 / most;
  auto left = static_cast<std::uint64_t>(static_cast<double>(all) * share);
  std::vector<SaRef> moving;
  for (const SaLoad& sa : sas) {
    if (sa.load > left) continue;
    left -= sa.load;
    moving.push_back(sa.sa);
  }
  return moving;
}

Rebalancer::Rebalancer(const Tables& tables, WorkerSet& set)
    : tables_(tables), set_(set), before_(tables.sas.size() + tables.out_sas.size()) {}

// The SAs are looked at only when there is a reason: the path writes to these lines all the time.
std::optional<std::size_t> Rebalancer::look(const std::vector<double>& busy, const WorkerSet::Patience& patience) {
  const auto relief = relief_of(busy);
  if (!relief) {
    seen_lately_ = false;
    return 0;
  }
  std::vector<SaLoad> now = loads();
  if (!std::exchange(seen_lately_, true)) return 0;  // all that it ever carried says nothing of today
  const std::vector<SaRef> moving = sas_to_move(busy, *relief, std::move(now));
  if (!set_.move(moving, relief->to, patience)) return std::nullopt;
  return moving.size();
}

std::vector<SaLoad> Rebalancer::loads() {
  // There is room for more where a change was begun, be it refused after that.
  if (const std::size_t count = tables_.sas.size() + tables_.out_sas.size(); count != before_.size()) {
    before_.assign(count, 0);
    seen_lately_ = false;
  }
  std::vector<SaLoad> all;
  all.reserve(before_.size());
  const auto add = [&](SaRef sa, std::uint64_t packets, std::uint64_t octets) {
    const std::uint64_t cost = cost_of(packets, octets);
    std::uint64_t& before = before_[all.size()];
    all.push_back({sa, set_.owner(sa), cost - before});
    before = cost;
  };
  for (std::uint32_t i = 0; i < tables_.sas.size(); ++i)
    add({SaRef::Direction::in, i}, tables_.sas[i].packets, tables_.sas[i].octets);
  for (std::uint32_t i = 0; i < tables_.out_sas.size(); ++i)
    add({SaRef::Direction::out, i}, tables_.out_sas[i].packets, tables_.out_sas[i].octets);
  return all;
}

}  // namespace strata
