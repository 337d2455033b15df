// Metrics as whole numbers under short names, which is what DPDK's telemetry has room for.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "control/metrics/families.hpp"

namespace strata::metrics {

struct Figure {
  std::string name;  // letters, digits and _
  std::uint64_t value;
};

// What there is of a kind, by the value of its label: the ports' names, say.
std::vector<std::string> names_of(const Families& families, std::string_view label);

// Of one of them: {received_packets, 12}, {lost_packets_missed, 0}, ... Ratios are told in thousandths, times in
// milliseconds, and their names say so.
std::vector<Figure> figures_of(const Families& families, std::string_view label, std::string_view value);

// One family, a figure for each value of the label: {esp_replayed, 3}, ...
std::vector<Figure> figures_by(const Families& families, std::string_view family, std::string_view label);

// What an info says: its labels.
std::vector<Label> words_of(const Families& families, std::string_view label, std::string_view value);

}  // namespace strata::metrics
