#include "control/metrics/figures_of.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <limits>

namespace strata::metrics {
namespace {

using Metric = prometheus::ClientMetric;

constexpr double kTold = 1000;
struct Scaled {
  std::string_view suffix;
  std::string_view told_as;
};
constexpr std::array kScaled{Scaled{"_seconds", "_ms"}, Scaled{"_ratio", "_permille"}};

bool is_info(const prometheus::MetricFamily& family) { return family.name.ends_with("_info"); }

const std::string* value_of(const Metric& metric, std::string_view label) {
  for (const Metric::Label& of : metric.label)
    if (of.name == label) return &of.value;
  return nullptr;
}

bool is_of(const Metric& metric, std::string_view label, std::string_view value) {
  if (label.empty()) return metric.label.empty() || metric.label.front().name == "direction";
  return !metric.label.empty() && metric.label.front().name == label && metric.label.front().value == value;
}

std::uint64_t whole(double value) {
  constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
  if (value >= static_cast<double>(kMost)) return kMost;
  return value > 0 ? static_cast<std::uint64_t>(std::llround(std::min(value, 9e18))) : 0;
}

std::string plain(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  return out;
}

// What is left of a family's name and labels once it is known what is asked about.
Figure figure(const prometheus::MetricFamily& family, const Metric& metric, std::string_view label) {
  const double value = family.type == Type::Counter ? metric.counter.value : metric.gauge.value;
  const std::string prefix = "strata_" + (label.empty() ? "" : std::string(label) + "_");
  std::string name = family.name.substr(family.name.starts_with(prefix) ? prefix.size() : 0);
  if (family.type == Type::Counter) name.resize(name.size() - std::string_view("_total").size());
  double scale = 1;
  for (const Scaled& scaled : kScaled) {
    if (!name.ends_with(scaled.suffix)) continue;
    name.replace(name.size() - scaled.suffix.size(), scaled.suffix.size(), scaled.told_as);
    scale = kTold;
  }
  if (const std::string* reason = value_of(metric, "reason")) name += "_" + *reason;
  if (const std::string* direction = value_of(metric, "direction"); direction != nullptr && label.empty())
    name += "_" + *direction;
  return {plain(name), whole(value * scale)};
}

}  // namespace

std::vector<std::string> names_of(const Families& families, std::string_view label) {
  std::vector<std::string> names;
  for (const prometheus::MetricFamily& family : families) {
    for (const Metric& metric : family.metric)
      if (!metric.label.empty() && metric.label.front().name == label) names.push_back(metric.label.front().value);
    if (!names.empty()) return names;
  }
  return names;
}

std::vector<Figure> figures_of(const Families& families, std::string_view label, std::string_view value) {
  std::vector<Figure> figures;
  for (const prometheus::MetricFamily& family : families) {
    if (is_info(family)) continue;
    for (const Metric& metric : family.metric)
      if (is_of(metric, label, value)) figures.push_back(figure(family, metric, label));
  }
  return figures;
}

std::vector<Figure> figures_by(const Families& families, std::string_view family, std::string_view label) {
  std::vector<Figure> figures;
  for (const prometheus::MetricFamily& of : families) {
    if (of.name != family) continue;
    for (const Metric& metric : of.metric)
      if (const std::string* value = value_of(metric, label))
        figures.push_back({plain(*value), whole(metric.counter.value)});
  }
  return figures;
}

std::vector<Label> words_of(const Families& families, std::string_view label, std::string_view value) {
  std::vector<Label> words;
  for (const prometheus::MetricFamily& family : families) {
    if (!is_info(family)) continue;
    for (const Metric& metric : family.metric) {
      if (!is_of(metric, label, value)) continue;
      for (const Metric::Label& of : metric.label) words.push_back({of.name, of.value});
    }
  }
  return words;
}

}  // namespace strata::metrics
