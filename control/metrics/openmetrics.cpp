#include "control/metrics/openmetrics.hpp"

#include <array>
#include <charconv>
#include <ostream>
#include <string>
#include <string_view>

namespace strata::metrics {
namespace {

constexpr std::string_view kTotal = "_total";
constexpr std::array<std::string_view, 4> kUnits{"bytes", "packets", "ratio", "seconds"};

bool is_counter(const prometheus::MetricFamily& family) { return family.type == prometheus::MetricType::Counter; }

// A counter's family is named without what its samples end in.
std::string_view family_name(const prometheus::MetricFamily& family) {
  std::string_view name = family.name;
  if (is_counter(family) && name.ends_with(kTotal)) name.remove_suffix(kTotal.size());
  return name;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  return out;
}

// Whole numbers without a fraction or an exponent, as far as a double has all digits of them; else the shortest that
// reads back as the same.
std::string number(double value) {
  constexpr double kExact = 9007199254740992.0;
  std::array<char, 40> text{};
  const auto end = value >= 0 && value <= kExact && value == static_cast<double>(static_cast<std::uint64_t>(value))
                       ? std::to_chars(text.begin(), text.end(), static_cast<std::uint64_t>(value))
                       : std::to_chars(text.begin(), text.end(), value);
  return {text.data(), end.ptr};
}

void write_head(std::ostream& out, const prometheus::MetricFamily& family) {
  const std::string_view name = family_name(family);
  out << "# TYPE " << name << (is_counter(family) ? " counter\n" : " gauge\n");
  for (const std::string_view unit : kUnits)
    if (name.ends_with("_" + std::string(unit))) out << "# UNIT " << name << ' ' << unit << '\n';
  out << "# HELP " << name << ' ' << escaped(family.help) << '\n';
}

void write_sample(std::ostream& out, const prometheus::MetricFamily& family, const prometheus::ClientMetric& metric) {
  out << family.name;
  char before = '{';
  for (const auto& label : metric.label) {
    out << before << label.name << "=\"" << escaped(label.value) << '"';
    before = ',';
  }
  if (!metric.label.empty()) out << '}';
  out << ' ' << number(is_counter(family) ? metric.counter.value : metric.gauge.value) << '\n';
}

}  // namespace

void OpenMetrics::Serialize(std::ostream& out, const std::vector<prometheus::MetricFamily>& families) const {
  for (const prometheus::MetricFamily& family : families) {
    write_head(out, family);
    for (const prometheus::ClientMetric& metric : family.metric) write_sample(out, family, metric);
  }
  out << "# EOF\n";
}

}  // namespace strata::metrics
