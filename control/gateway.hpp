// `strata run`: the gateway on its devices, from start to the last packet.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "control/device.hpp"
#include "control/eal.hpp"
#include "control/idle.hpp"
#include "dataplane/worker.hpp"

namespace strata {

class Gateway {
 public:
  // words: of the command line, for EAL. config: outlives the gateway.
  static tl::expected<std::unique_ptr<Gateway>, std::string> start(const config::Config& config,
                                                                   const std::vector<std::string>& words);

  // Until SIGTERM or SIGINT.
  void run();

  const Worker& worker() const { return *worker_; }
  // Stops and closes the devices; then no buffer is in use but those that were lost: their number.
  unsigned stop();

 private:
  Gateway(const config::Config& config, Eal eal) : config_(config), eal_(std::move(eal)) {}
  tl::expected<void, std::string> open_devices();
  tl::expected<void, std::string> make_worker();
  std::size_t poll();
  void drain();

  const config::Config& config_;
  Eal eal_;  // goes after all that is made of it
  std::optional<Pool> pool_;
  std::optional<Pool> made_pool_;
  std::vector<Device> devices_;  // by PortId
  std::unique_ptr<Tables> tables_;
  std::unique_ptr<Worker> worker_;
  Idle idle_;
};

}  // namespace strata
