// Watches one packet go through the journey and tells each step.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "control/explain.hpp"
#include "dataplane/worker.hpp"

namespace strata::replay {

// An eye for Worker::turn, for bursts of one packet: whatever a step has left in its bursts is that packet.
class ExplainEye {
 public:
  ExplainEye(const config::Config& config, const Places& places, const Worker& worker)
      : names_(config, places), teller_(names_, worker.tables(), worker.adjacencies()) {}
  ExplainEye(const ExplainEye&) = delete;
  ExplainEye& operator=(const ExplainEye&) = delete;

  template <class... Stages>
  void after(const char* step, const Burst<Stages>&... bursts) {
    (look(step, bursts), ...);
  }

  // What was seen since the last call.
  std::vector<std::string> take_steps() {
    said_.clear();
    return std::exchange(steps_, {});
  }

 private:
  template <class Stage>
  void look(const char* step, const Burst<Stage>& burst) {
    if (burst.empty()) return;
    std::string said = teller_.tell(burst.row(0), burst.bytes(0));
    if (said.empty() || said == said_) return;  // a step that did not take it from where it waits tells nothing
    steps_.push_back(std::string(step) + ": " + said);
    said_ = std::move(said);
  }

  const Names names_;
  const Teller teller_;
  std::vector<std::string> steps_;
  std::string said_;  // in the last one
};

}  // namespace strata::replay
