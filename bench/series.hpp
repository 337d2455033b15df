// What the rounds of one measurement gave, for each packet, and the row that it makes.
#pragma once

#include <cstdint>
#include <vector>

#include "bench/report.hpp"

namespace strata::bench {

struct Series {
  std::vector<double> journey;
  std::vector<double> crypto;
  std::vector<double> line_round_trip;  // of several workers
};

double median(std::vector<double> values);
double for_each(std::uint64_t sum, std::uint64_t packets);

// Of the inner IPv4 packets: octets_a_packet.
Result result_of(const Series& series, Direction direction, double octets_a_packet, unsigned workers = 1);

}  // namespace strata::bench
