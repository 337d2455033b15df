// The metrics as commands of DPDK's telemetry socket: /strata/port, /strata/sa,NAME and so on (docs/metrics.md).
#pragma once

#include <memory>
#include <string>
#include <tl/expected.hpp>

#include "control/metrics/desk.hpp"

namespace strata::metrics {

// DPDK has no way to take a command back: while this lives they ask at the desk, afterwards they answer nothing.
class Telemetry {
 public:
  static tl::expected<std::unique_ptr<Telemetry>, std::string> start(std::shared_ptr<Desk> desk);
  Telemetry(const Telemetry&) = delete;
  Telemetry& operator=(const Telemetry&) = delete;
  ~Telemetry();

 private:
  Telemetry() = default;
};

}  // namespace strata::metrics
