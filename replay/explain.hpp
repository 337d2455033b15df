// Watches one packet go through the journey and tells each step.
#pragma once

#include <string>
#include <vector>

#include "config/config.hpp"
#include "dataplane/packet/burst.hpp"
#include "dataplane/table/tables.hpp"

namespace strata::replay {

// An eye for Worker::turn, for bursts of one packet: whatever a step has left in its bursts is that packet.
class ExplainEye {
 public:
  ExplainEye(const config::Config& config, const Tables& tables);

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
    std::string said = tell(burst.row(0), burst.bytes(0));
    if (said.empty() || said == said_) return;  // a step that did not take it from where it waits tells nothing
    steps_.push_back(std::string(step) + ": " + said);
    said_ = std::move(said);
  }

  std::string tell(const Row<stage::Frame>& row, wire::Bytes bytes) const;
  std::string tell(const Row<stage::Host>& row, wire::Bytes bytes) const;
  std::string tell(const Row<stage::EspIn>& row, wire::Bytes bytes) const;
  std::string tell(const Row<stage::Ip6>& row, wire::Bytes bytes) const;
  std::string tell(const Row<stage::Sr6>& row, wire::Bytes bytes) const;
  std::string tell(const Row<stage::Ip4>& row, wire::Bytes bytes) const;
  std::string tell(const Row<stage::Steered>& row, wire::Bytes bytes) const;
  std::string tell(const Row<stage::Sr6Out>& row, wire::Bytes bytes) const;
  std::string tell(const Row<stage::Out>& row, wire::Bytes bytes) const;
  std::string tell(const Row<stage::Arp>& row, wire::Bytes bytes) const;
  std::string tell(const Row<stage::Fragment>& row, wire::Bytes bytes) const;
  std::string tell(const Row<stage::Local>& row, wire::Bytes bytes) const;
  std::string tell(const Row<stage::Unresolved>& row, wire::Bytes bytes) const;
  std::string tell(const Row<stage::Oversize>& row, wire::Bytes bytes) const;
  std::string tell(const Row<stage::Refused>& row, wire::Bytes bytes) const;
  std::string tell(const Row<stage::Made>& row, wire::Bytes bytes) const;

  const config::Config& config_;
  const Tables& tables_;
  std::vector<std::string> sa_names_;      // by SaId
  std::vector<std::string> out_sa_names_;  // by OutSaId
  std::vector<std::string> steps_;
  std::string said_;  // in the last one
};

}  // namespace strata::replay
