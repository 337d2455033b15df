// The metrics of a running gateway: over HTTP, and by DPDK's telemetry socket. Collected and served by the main thread,
// between what else it does.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "control/metrics/http_server.hpp"
#include "control/metrics/telemetry.hpp"
#include "control/show/view.hpp"

namespace strata {

class Metrics {
 public:
  using Clock = std::chrono::steady_clock;

  // Who asks over HTTP waits for begin(). An error is that of a port that was asked for in so many words; of one that
  // was not, a line says so, and there is none.
  static tl::expected<std::unique_ptr<Metrics>, std::string> open(const config::Config& config);

  // Says where they are.
  tl::expected<void, std::string> begin(const show::Gateway& gateway, const std::string& version);

  // Another configuration is in force.
  void show_from_now_on(const show::Gateway& gateway);

  // Readable when there is something to serve.
  int fd() const { return poll_.number(); }
  // True: there is more to do at once.
  bool serve(Clock::time_point now);

 private:
  explicit Metrics(Descriptor listener);
  tl::expected<void, std::string> begin_http(const config::Metrics& wanted);
  metrics::Desk::Collected collected();

  Descriptor listener_;  // until begin()
  Descriptor poll_;
  std::optional<show::Gateway> gateway_;
  std::string version_;
  double started_ = 0;
  std::shared_ptr<metrics::Desk> desk_;
  metrics::Desk::Collected last_;
  Clock::time_point collected_at_;
  std::unique_ptr<metrics::HttpServer> http_;
  std::unique_ptr<metrics::Telemetry> telemetry_;
};

}  // namespace strata
