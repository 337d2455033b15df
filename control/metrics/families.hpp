// What is measured, by name: the one table behind the metrics over HTTP, those of DPDK's telemetry and docs/metrics.md.
#pragma once

#include <prometheus/metric_family.h>

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::metrics {

enum class Family : std::uint8_t {
  build_info,
  start_time,
  port_up,
  port_mtu,
  port_received_packets,
  port_received_bytes,
  port_sent_packets,
  port_sent_bytes,
  port_lost_packets,
  worker_received_packets,
  worker_handed_over_packets,
  worker_busy_seconds,
  worker_busy_ratio,
  worker_sas,
  worker_stands_still,
  stage_packets,
  cause_packets,
  generated_packets,
  icmp_errors_limited,
  audit_suppressed,
  ecn_anomalies,
  sa_info,
  sa_packets,
  sa_bytes,
  sa_age,
  sa_window_fill,
  sa_sequence_left,
  sas,
  sas_packets,
  sas_bytes,
  sas_sequence_left_min,
  sas_without_series,
  sid_packets,
  sid_bytes,
  sids,
  sids_without_series,
  count_
};

using Type = prometheus::MetricType;

struct FamilyText {
  std::string_view name;  // as Prometheus stores it: a counter's ends in _total
  Type type;
  std::string_view labels;  // with a comma between
  std::string_view help;
};

const FamilyText& text_of(Family family);

// Between the marks of docs/metrics.md.
std::string reference_markdown();

using Families = std::vector<prometheus::MetricFamily>;

struct Label {
  std::string_view name;
  std::string_view value;
};
using Labels = std::initializer_list<Label>;

// What was measured at one moment: every family is there, in the table's order, also one without a series.
class Collection {
 public:
  Collection();
  void add(Family family, double value, Labels labels = {});
  Families take() && { return std::move(families_); }

 private:
  Families families_;
};

}  // namespace strata::metrics
