// Metrics as text, and as DPDK's telemetry tells them.
#include <gtest/gtest.h>
#include <prometheus/check_names.h>

#include <atomic>
#include <fstream>
#include <iterator>
#include <limits>
#include <set>
#include <thread>

#include "control/metrics/desk.hpp"
#include "control/metrics/figures_of.hpp"
#include "control/metrics/openmetrics.hpp"

namespace strata::metrics {
namespace {

using namespace std::chrono_literals;

constexpr auto kFamilyCount = static_cast<std::size_t>(Family::count_);

std::string text_of_one(Family family, double value, Labels labels = {}) {
  Collection all;
  all.add(family, value, labels);
  Families families = std::move(all).take();
  return OpenMetrics().Serialize({families[static_cast<std::size_t>(family)]});
}

TEST(MetricsDocs, ReferenceIsTheTables) {
  std::ifstream file(std::string(STRATA_SOURCE_ROOT) + "/docs/metrics.md");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::size_t start = text.find('\n', text.find("<!-- reference begin")) + 1;
  EXPECT_EQ(text.substr(start, text.find("<!-- reference end") - start), reference_markdown())
      << "strata-metrics-docs makes it anew";
}

TEST(MetricsNames, AreThoseOfPrometheus) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kFamilyCount; ++i) {
    const FamilyText& family = metrics::text_of(static_cast<Family>(i));
    EXPECT_TRUE(prometheus::CheckMetricName(std::string(family.name)) && family.name.starts_with("strata_"))
        << family.name;
    EXPECT_TRUE(names.insert(family.name).second) << family.name;
    EXPECT_EQ(family.name.ends_with("_total"), family.type == Type::Counter) << family.name;
    EXPECT_FALSE(family.help.empty()) << family.name;
  }
}

TEST(OpenMetricsText, CounterWithLabels) {
  EXPECT_EQ(text_of_one(Family::worker_handed_over_packets, 7, {{"worker", "0"}}),
            "# TYPE strata_worker_handed_over_packets counter\n"
            "# UNIT strata_worker_handed_over_packets packets\n"
            "# HELP strata_worker_handed_over_packets Packets that it handed over to other workers.\n"
            "strata_worker_handed_over_packets_total{worker=\"0\"} 7\n"
            "# EOF\n");
}

TEST(OpenMetricsText, GaugeWithoutLabelsOrUnit) {
  EXPECT_EQ(text_of_one(Family::sids, 3),
            "# TYPE strata_sids gauge\n# HELP strata_sids How many local SIDs there are.\nstrata_sids 3\n# EOF\n");
}

TEST(OpenMetricsText, LabelsAreEscaped) {
  EXPECT_NE(text_of_one(Family::port_up, 1, {{"port", "a\"b\\c\nd"}}).find("{port=\"a\\\"b\\\\c\\nd\"} 1\n"),
            std::string::npos);
}

TEST(OpenMetricsText, Numbers) {
  const auto line = [](double value) {
    const std::string text = text_of_one(Family::sids, value);
    const std::size_t at = text.find("\nstrata_sids ") + 13;
    return text.substr(at, text.find('\n', at) - at);
  };
  EXPECT_EQ(line(0), "0");
  EXPECT_EQ(line(4294967265), "4294967265");
  EXPECT_EQ(line(9007199254740991), "9007199254740991");
  EXPECT_EQ(line(0.9), "0.9");
  EXPECT_EQ(std::stod(line(18446744073709551615.0)), 18446744073709551615.0);
  EXPECT_EQ(line(-1), "-1");
}

// --- as figures ----------------------------------------------------------------------------------------------------

Families sample() {
  Collection all;
  for (const char* port : {"wan", "lan"}) {
    all.add(Family::port_received_packets, port[0] == 'w' ? 12 : 5, {{"port", port}});
    all.add(Family::port_lost_packets, 3, {{"port", port}, {"reason", "missed"}});
  }
  all.add(Family::worker_busy_seconds, 1.5, {{"worker", "0"}});
  all.add(Family::worker_busy_ratio, 0.25, {{"worker", "0"}});
  all.add(Family::sa_info, 1, {{"sa", "a"}, {"direction", "in"}, {"spi", "0x1001"}});
  all.add(Family::sa_sequence_left, static_cast<double>(std::numeric_limits<std::uint64_t>::max()),
          {{"sa", "a"}, {"direction", "in"}});
  all.add(Family::sas_packets, 9, {{"direction", "out"}});
  all.add(Family::sids, 4);
  all.add(Family::cause_packets, 2, {{"cause", "esp.replayed"}, {"fate", "dropped"}});
  return std::move(all).take();
}

std::string told(const std::vector<Figure>& figures) {
  std::string text;
  for (const Figure& figure : figures) text += figure.name + "=" + std::to_string(figure.value) + " ";
  return text;
}

TEST(Figures, OfEach) {
  const Families families = sample();
  EXPECT_EQ(names_of(families, "port"), (std::vector<std::string>{"wan", "lan"}));
  EXPECT_EQ(told(figures_of(families, "port", "wan")), "received_packets=12 lost_packets_missed=3 ");
  EXPECT_EQ(told(figures_of(families, "port", "wa")), "");
  EXPECT_EQ(told(figures_of(families, "worker", "0")), "busy_ms=1500 busy_permille=250 ");
  EXPECT_EQ(told(figures_of(families, "sa", "a")), "sequence_left=18446744073709551615 ");
}

TEST(Figures, OfAllAndByLabel) {
  const Families families = sample();
  EXPECT_EQ(told(figures_of(families, {}, {})), "sas_packets_out=9 sids=4 ");
  EXPECT_EQ(told(figures_by(families, "strata_cause_packets_total", "cause")), "esp_replayed=2 ");
  const std::vector<Label> words = words_of(families, "sa", "a");
  ASSERT_EQ(words.size(), 3U);
  EXPECT_EQ(words[2].name, "spi");
  EXPECT_EQ(words[2].value, "0x1001");
}

// --- the desk ------------------------------------------------------------------------------------------------------

TEST(Desk, WhoAsksIsAnsweredByWhoServes) {
  Desk desk;
  const auto collected = std::make_shared<const Families>(sample());
  desk.serve([]() -> Desk::Collected {
    ADD_FAILURE() << "nobody has asked";
    return nullptr;
  });
  Desk::Collected got;
  std::thread asker([&] { got = desk.ask(1min); });
  std::atomic<bool> served = false;
  while (!served)
    desk.serve([&] {
      served = true;
      return collected;
    });
  asker.join();
  EXPECT_EQ(got, collected);
}

TEST(Desk, WhoIsNotAnsweredGoes) {
  Desk desk;
  EXPECT_EQ(desk.ask(1ms), nullptr);
}

}  // namespace
}  // namespace strata::metrics
