#include "bench/bench.hpp"

#include <rte_cycles.h>

#include "bench/bed.hpp"
#include "bench/series.hpp"
#include "control/doctor/hugepages.hpp"
#include "control/eal.hpp"

namespace strata::bench {
namespace {

constexpr unsigned kMemoryMib = 256;
constexpr unsigned kMemoryABedMib = 384;  // two tables of routes above all

class Bench {
 public:
  explicit Bench(const Options& options) : options_(options) {}
  tl::expected<Report, std::string> run();

 private:
  tl::expected<void, std::string> measure(unsigned sas);
  tl::expected<void, std::string> measure(const std::string& size, Cache cache, unsigned sas);
  tl::expected<void, std::string> split(Bed& bed, const std::string& size, Cache cache, std::vector<Result>& results);
  std::vector<Result> rows(const std::array<Series, 2>& series, const Result& row, double octets) const;

  const Options& options_;
  std::optional<Eal> eal_;                  // goes after all that is made of it
  std::vector<std::unique_ptr<Bed>> beds_;  // by number of workers, as asked for
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

std::vector<Result> Bench::rows(const std::array<Series, 2>& series, const Result& row, double octets) const {
  std::vector<Result> results;
  for (const Direction direction : options_.directions) {
    Result result = result_of(series[static_cast<std::size_t>(direction)], direction, octets, row.workers);
    result.size = row.size;
    result.sas = row.sas;
    result.routes = options_.routes;
    result.cache = row.cache;
    result.feed = row.feed;
    results.push_back(std::move(result));
  }
  return results;
}

// Few workers and many take turns round by round: what else the machine does strikes all of them.
tl::expected<void, std::string> Bench::measure(const std::string& size, Cache cache, unsigned sas) {
  std::vector<std::array<Series, 2>> series(beds_.size());
  double octets = 0;
  for (unsigned i = 0; i <= options_.rounds; ++i) {
    for (std::size_t b = 0; b < beds_.size(); ++b) {
      const auto round = beds_[b]->round(sizes_of(size), cache, false);
      if (!round) return tl::unexpected(round.error());
      octets = for_each(round->octets, round->packets);
      if (i == 0) continue;  // caches and predictors learn
      for (std::size_t d = 0; d < series[b].size(); ++d) {
        series[b][d].journey.push_back(for_each(round->journey[d], round->packets));
        series[b][d].crypto.push_back(for_each(round->crypto[d], round->packets));
        if (round->line_round_trip != 0)
          series[b][d].line_round_trip.push_back(static_cast<double>(round->line_round_trip));
      }
    }
  }
  for (std::size_t b = 0; b < beds_.size(); ++b) {
    const Result row{
        .size = size, .sas = sas, .workers = options_.workers[b], .cache = cache, .feed = beds_[b]->feed()};
    std::vector<Result> results = rows(series[b], row, octets);
    if (options_.stages && row.workers == 1)
      if (auto done = split(*beds_[b], size, cache, results); !done) return done;
    report_.results.insert(report_.results.end(), results.begin(), results.end());
  }
  return {};
}

tl::expected<void, std::string> Bench::measure(unsigned sas) {
  beds_.clear();
  const bool alone = options_.workers == std::vector{1U};
  for (const unsigned workers : options_.workers) {
    const Scene scene{sas, options_.routes, options_.algorithm, options_.esn, options_.window};
    auto bed = Bed::create(scene, workers, alone ? Feed::by_bursts : Feed::at_once);
    if (!bed) return tl::unexpected(bed.error());
    beds_.push_back(std::move(*bed));
  }
  for (const Cache cache : options_.caches)
    for (const std::string& size : options_.sizes)
      if (auto done = measure(size, cache, sas); !done) return done;
  return {};
}

tl::expected<Report, std::string> Bench::run() {
  for (const unsigned workers : options_.workers) {
    if (workers > usable_cpus().size())
      return tl::unexpected(std::to_string(workers) + " workers want as many CPUs; this process may use " +
                            std::to_string(usable_cpus().size()));
  }
  const auto memory = static_cast<unsigned>(kMemoryMib + kMemoryABedMib * options_.workers.size());
  const bool hugepages = allowed_mib(hugepage_sizes(Machine())) >= memory;
  auto eal = Eal::start_offline(memory, hugepages ? Pages::huge : Pages::ordinary);
  if (!eal) return tl::unexpected(eal.error());
  eal_.emplace(std::move(*eal));
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
