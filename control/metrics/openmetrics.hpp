// Metrics as text: https://github.com/OpenObservability/OpenMetrics, version 1.0.0. prometheus-cpp itself writes the
// text format that came before it.
#pragma once

#include <prometheus/serializer.h>

namespace strata::metrics {

// Of counters and gauges.
class OpenMetrics : public prometheus::Serializer {
 public:
  using Serializer::Serialize;
  void Serialize(std::ostream& out, const std::vector<prometheus::MetricFamily>& families) const override;
};

}  // namespace strata::metrics
