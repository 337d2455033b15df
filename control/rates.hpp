// What a port carried since the last line of statistics.
#pragma once

#include <cstdint>
#include <string>

#include "control/run_report.hpp"

namespace strata {

class Rates {
 public:
  // "port wan: received 1234 packets/s 1.234 Mbit/s, sent 0 packets/s 0.000 Mbit/s, 0 missed"; now: what is counted
  // since the start.
  std::string line(const DeviceCount& now, double seconds);

 private:
  DeviceCount before_;
};

}  // namespace strata
