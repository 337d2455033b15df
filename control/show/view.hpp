// What is shown of a gateway while it runs: read from the main thread, without a word to the workers, but for what
// says otherwise.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "config/steering.hpp"
#include "control/device.hpp"
#include "control/lifetimes.hpp"
#include "control/places.hpp"
#include "control/run_report.hpp"
#include "control/service/pulse.hpp"
#include "control/show/cause_rates.hpp"
#include "control/worker_threads.hpp"
#include "dataplane/neighbor/neighbors.hpp"

namespace strata::show {

using Json = nlohmann::ordered_json;

// A gateway's parts; they outlive whoever looks at them.
struct Gateway {
  const config::Config& config;
  const Places& places;
  const Tables& tables;
  WorkerSet& workers;
  WorkerThreads& threads;
  std::vector<Device>& devices;
  const std::vector<double>& busy;  // by worker: share of the last second
  const Pulse& pulse;
  const CauseRates& causes;
  const Lifetimes& lifetimes;
  Trace& trace;
  Capture& capture;
  const Gone& gone;
  std::chrono::steady_clock::time_point start;
  std::function<RunReport()> report;  // when the workers stand still
};

// So many rows, each made when it is asked for.
struct Rows {
  std::size_t size;
  std::function<Json(std::size_t)> row;
};

Rows ports(const Gateway& gateway);
Rows workers(const Gateway& gateway);
Rows stages(const Gateway& gateway);
Rows drops(const Gateway& gateway);
// with_payload: to somebody who may see what an SA has opened or is to seal.
Rows last_drops(const Gateway& gateway, bool with_payload);

// What follows from a configuration: made once, as that of very many SAs takes a while.
class Index {
 public:
  explicit Index(const config::Config& config);

  struct RouteOf {
    enum class Kind : std::uint8_t { connected, route, policy } kind;
    std::uint32_t of;     // port, route or policy
    std::uint32_t place;  // among the port's addresses or the policy's prefixes
  };
  std::vector<RouteOf> routes;
  const config::Steering& steering();

 private:
  const config::Config& config_;
  std::optional<config::Steering> steering_;
};

Rows sas(const Gateway& gateway);
Rows sids(const Gateway& gateway);
Rows policies(const Gateway& gateway, Index& index);
Rows routes(const Gateway& gateway, Index& index);
Rows mtus(const Gateway& gateway, Index& index);
Rows neighbors(const Gateway& gateway, const std::vector<Neighbors::Known>& known);

}  // namespace strata::show
