#include "bench/bench.hpp"

#include <rte_cycles.h>

#include "bench/bed.hpp"
#include "bench/series.hpp"
#include "control/doctor/hugepages.hpp"
#include "control/eal.hpp"

namespace strata::bench {
namespace {

constexpr unsigned kMemoryMib = 640;

class Bench {
 public:
  explicit Bench(const Options& options) : options_(options) {}
  tl::expected<Report, std::string> run();

 private:
  tl::expected<void, std::string> measure(unsigned sas);
  tl::expected<void, std::string> measure(Bed& bed, const std::string& size, Cache cache, unsigned sas);
  tl::expected<void, std::string> split(Bed& bed, const std::string& size, Cache cache, std::vector<Result>& results);

  const Options& options_;
  Report report_;
};

tl::expected<void, std::string> Bench::split(Bed& bed, const std::string& size, Cache cache,
                                             std::vector<Result>& results) {
  std::array<std::map<std::string, std::vector<double>>, 2> seen;
  for (unsigned i = 0; i < options_.rounds; ++i) {
    const auto round = bed.round(sizes_of(size), cache, true);
    if (!round) return tl::unexpected(round.error());
    for (std::size_t d = 0; d < seen.size(); ++d)
      for (const auto& [name, cycles] : round->stages[d]) seen[d][name].push_back(for_each(cycles, round->packets));
  }
  for (Result& result : results)
    for (auto& [name, cycles] : seen[static_cast<std::size_t>(result.direction)])
      result.stages[name] = median(std::move(cycles));
  return {};
}

tl::expected<void, std::string> Bench::measure(Bed& bed, const std::string& size, Cache cache, unsigned sas) {
  std::array<Series, 2> series;
  double octets = 0;
  for (unsigned i = 0; i <= options_.rounds; ++i) {
    const auto round = bed.round(sizes_of(size), cache, false);
    if (!round) return tl::unexpected(round.error());
    octets = for_each(round->octets, round->packets);
    if (i == 0) continue;  // caches and predictors learn
    for (std::size_t d = 0; d < series.size(); ++d) {
      series[d].journey.push_back(for_each(round->journey[d], round->packets));
      series[d].crypto.push_back(for_each(round->crypto[d], round->packets));
    }
  }
  std::vector<Result> results;
  for (const Direction direction : options_.directions) {
    Result result = result_of(series[static_cast<std::size_t>(direction)], direction, octets);
    result.size = size;
    result.sas = sas;
    result.routes = options_.routes;
    result.cache = cache;
    results.push_back(std::move(result));
  }
  if (options_.stages)
    if (auto done = split(bed, size, cache, results); !done) return done;
  report_.results.insert(report_.results.end(), results.begin(), results.end());
  return {};
}

tl::expected<void, std::string> Bench::measure(unsigned sas) {
  auto bed = Bed::create({sas, options_.routes, options_.algorithm, options_.esn, options_.window});
  if (!bed) return tl::unexpected(bed.error());
  for (const Cache cache : options_.caches)
    for (const std::string& size : options_.sizes)
      if (auto done = measure(**bed, size, cache, sas); !done) return done;
  return {};
}

tl::expected<Report, std::string> Bench::run() {
  const bool hugepages = allowed_mib(hugepage_sizes(Machine())) >= kMemoryMib;
  auto eal = Eal::start_offline(kMemoryMib, hugepages ? Pages::huge : Pages::ordinary);
  if (!eal) return tl::unexpected(eal.error());
  report_.cpu = Machine().value("proc/cpuinfo", "model name");
  report_.tsc_mhz = static_cast<double>(rte_get_tsc_hz()) / 1e6;
  report_.esn = options_.esn;
  report_.window = options_.window;
  report_.rounds = options_.rounds;
  report_.hugepages = hugepages;
  for (const unsigned sas : options_.sas)
    if (auto done = measure(sas); !done) return tl::unexpected(done.error());
  return report_;
}

}  // namespace

tl::expected<Report, std::string> run(const Options& options) { return Bench(options).run(); }

}  // namespace strata::bench
