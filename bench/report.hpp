// What was measured, for people and as JSON (docs/performance.md has the keys).
#pragma once

#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "bench/options.hpp"

namespace strata::bench {

// Cycles: of the TSC, for each packet and worker; medians over the rounds.
struct Result {
  Direction direction;
  std::string size;
  unsigned sas = 1;
  unsigned routes = 0;
  unsigned workers = 1;
  Cache cache = Cache::warm;
  Feed feed = Feed::by_bursts;
  double cycles = 0;
  std::array<double, 2> spread{};  // the quickest round and the slowest
  double crypto_cycles = 0;
  double mpps = 0;
  double gbps = 0;  // of inner IPv4
  std::map<std::string, double> stages;
  // Of several workers: in which a cache line goes from the first one's core to the second one's and back.
  std::optional<double> line_round_trip;

  double ratio() const { return cycles / crypto_cycles; }
};

struct Report {
  std::string cpu;
  double tsc_mhz = 0;
  std::string algorithm;
  bool esn = false;
  unsigned window = 0;
  unsigned rounds = 0;
  bool hugepages = false;
  std::vector<std::string> devices;  // the one that packets come from, the one that they leave by; none: rings
  std::vector<Result> results;
};

std::string to_text(const Report& report);
nlohmann::ordered_json to_json(const Report& report);

}  // namespace strata::bench
