// DPDK's environment (EAL): started once for a process.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "config/config.hpp"

namespace strata {

enum class Pages : std::uint8_t { ordinary, huge };

// EAL as long as this lives: ports, pools and tables made with it go first. Once ended it cannot be started again.
class Eal {
 public:
  // Without root, devices or the network: for replay and measurements. Leaves no files.
  static tl::expected<Eal, std::string> start_offline(unsigned megabytes, Pages pages = Pages::ordinary);

  // With the ports' devices, memory, and an lcore for each worker, as the configuration says. words: of the command
  // line, for EAL as they are; they come last and win. Leaves no files, but for the folder of a telemetry socket.
  static tl::expected<Eal, std::string> start_live(const config::Config& config, const std::vector<std::string>& words);

  Eal(Eal&& other) noexcept : started_(std::exchange(other.started_, false)) {}
  Eal& operator=(Eal&&) = delete;
  ~Eal();

 private:
  Eal() = default;
  bool started_ = true;
};

// The same until the process ends, for programs whose pools are held by nobody in particular: tests and benchmarks.
tl::expected<void, std::string> start_eal_offline(unsigned megabytes);

}  // namespace strata
