#include "bench/report.hpp"

#include <algorithm>
#include <cstdio>

#include "control/text_table.hpp"

namespace strata::bench {
namespace {

using Json = nlohmann::ordered_json;

std::string number(double value, int digits) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return text.data();
}

double rounded(double value) { return std::stod(number(value, 3)); }

const char* name_of(Direction direction) { return direction == Direction::in ? "in" : "out"; }

std::string stages_text(const Report& report) {
  std::string text;
  for (const Result& result : report.results) {
    if (result.stages.empty()) continue;
    TextTable table({"stage", "cycles"});
    for (const auto& [name, cycles] : result.stages) table.row({name, number(cycles, 1)});
    text += "\n" + std::string(name_of(result.direction)) + ", " + result.size + " octets, " +
            std::to_string(result.sas) + " SAs, " + (result.cache == Cache::warm ? "warm" : "cold") + ":\n" +
            table.text();
  }
  return text;
}

// What makes the most of the cost of handing over, and is the machine's.
std::string distance_text(const Report& report) {
  double least = 0;
  double most = 0;
  for (const Result& result : report.results) {
    if (!result.line_round_trip) continue;
    least = least == 0 ? *result.line_round_trip : std::min(least, *result.line_round_trip);
    most = std::max(most, *result.line_round_trip);
  }
  if (most == 0) return {};
  return "\nA cache line goes from the first worker's core to the second one's and back in " + number(least, 0) +
         (most > 1.2 * least ? " to " + number(most, 0) : "") + " cycles.\n";
}

}  // namespace

std::string to_text(const Report& report) {
  std::string text =
      report.cpu + ", TSC " + number(report.tsc_mhz, 0) + " MHz, " + report.algorithm + (report.esn ? ", ESN" : "") +
      ", window " + std::to_string(report.window) + ", " + (report.hugepages ? "huge pages" : "ordinary pages") +
      ", median of " + std::to_string(report.rounds) + " rounds; cycles of the TSC a packet" +
      (report.devices.empty() ? "" : ", from " + report.devices[0] + " to " + report.devices[1]) + "\n\n";
  TextTable table({"direction", "size", "SAs", "routes", "workers", "caches", "cycles", "least", "most", "crypto",
                   "ratio", "Mpps", "Gbit/s"});
  for (const Result& result : report.results)
    table.row({name_of(result.direction), result.size, std::to_string(result.sas), std::to_string(result.routes),
               std::to_string(result.workers), result.cache == Cache::warm ? "warm" : "cold", number(result.cycles, 1),
               number(result.spread[0], 1), number(result.spread[1], 1), number(result.crypto_cycles, 1),
               number(result.ratio(), 2), number(result.mpps, 2), number(result.gbps, 1)});
  const bool at_once = std::ranges::any_of(report.results, [](const Result& r) { return r.feed == Feed::at_once; });
  return text + table.text() +
         (at_once ? "\nAll packets stood in the queues before the first moved, for one worker too.\n" : "") +
         distance_text(report) + stages_text(report);
}

Json to_json(const Report& report) {
  Json results = Json::array();
  for (const Result& result : report.results) {
    Json json = {{"direction", name_of(result.direction)},
                 {"size", result.size},
                 {"sas", result.sas},
                 {"routes", result.routes},
                 {"workers", result.workers},
                 {"warm", result.cache == Cache::warm},
                 {"feed", result.feed == Feed::by_bursts ? "by bursts" : "at once"},
                 {"cycles", rounded(result.cycles)},
                 {"crypto_cycles", rounded(result.crypto_cycles)},
                 {"ratio", rounded(result.ratio())},
                 {"mpps", rounded(result.mpps)},
                 {"gbps", rounded(result.gbps)},
                 {"spread", {rounded(result.spread[0]), rounded(result.spread[1])}}};
    for (const auto& [name, cycles] : result.stages) json["stages"][name] = rounded(cycles);
    if (result.line_round_trip) json["line_round_trip"] = rounded(*result.line_round_trip);
    results.push_back(std::move(json));
  }
  Json json = {{"cpu", report.cpu},
               {"tsc_mhz", rounded(report.tsc_mhz)},
               {"algorithm", report.algorithm},
               {"esn", report.esn},
               {"window", report.window},
               {"hugepages", report.hugepages},
               {"rounds", report.rounds}};
  if (!report.devices.empty()) json["devices"] = report.devices;
  json["results"] = std::move(results);
  return json;
}

}  // namespace strata::bench
