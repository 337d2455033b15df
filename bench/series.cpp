#include "bench/series.hpp"

#include <rte_cycles.h>

#include <algorithm>

namespace strata::bench {

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 != 0 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double for_each(std::uint64_t sum, std::uint64_t packets) {
  return static_cast<double>(sum) / static_cast<double>(packets);
}

Result result_of(const Series& series, Direction direction, double octets_a_packet, unsigned workers) {
  const double hertz = static_cast<double>(rte_get_tsc_hz());
  Result result;
  result.direction = direction;
  result.cycles = median(series.journey);
  const auto [least, most] = std::ranges::minmax(series.journey);
  result.spread = {least, most};
  result.crypto_cycles = median(series.crypto);
  result.workers = workers;
  if (!series.line_round_trip.empty()) result.line_round_trip = median(series.line_round_trip);
  result.mpps = hertz / result.cycles * workers / 1e6;
  result.gbps = result.mpps * octets_a_packet * 8 / 1e3;
  return result;
}

}  // namespace strata::bench
