// The steps of the journey between the ports, and how many packets each has taken.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "dataplane/packet/burst.hpp"
#include "dataplane/relaxed.hpp"

namespace strata {

enum class Step : std::uint8_t {
  classify,
  classify_host,
  arp_input,
  host_input,
  reassemble,
  spread_in,
  esp_open,
  local_sid,
  end_dx4,
  ip4_forward,
  local_deliver,
  icmp_error,
  ip4_output,
  fragment,
  resolve,
  resume,
  give_up,
  h_encaps,
  spread_out,
  esp_seal,
  spread_tx,
  to_host,
  pick_up,
  count_
};

inline constexpr std::array<std::string_view, static_cast<std::size_t>(Step::count_)> kStepNames{
    "classify", "classify_host", "arp_input",     "host_input", "reassemble", "spread_in", "esp_open", "local_sid",
    "end_dx4",  "ip4_forward",   "local_deliver", "icmp_error", "ip4_output", "fragment",  "resolve",  "resume",
    "give_up",  "h_encaps",      "spread_out",    "esp_seal",   "spread_tx",  "to_host",   "pick_up"};

class StepCounters {
 public:
  // Before the step empties its burst.
  template <class Stage>
  void note(Step step, const Burst<Stage>& in) {
    counts_[static_cast<std::size_t>(step)] += in.size();
  }
  void add(Step step, std::size_t packets) { counts_[static_cast<std::size_t>(step)] += packets; }
  std::uint64_t of(Step step) const { return counts_[static_cast<std::size_t>(step)]; }

 private:
  std::array<Relaxed<std::uint64_t>, kStepNames.size()> counts_{};
};

}  // namespace strata
