#include "tests/fuzz/script.hpp"

#include <algorithm>
#include <iterator>

namespace strata::fuzz {

Script script_of(Bytes input) {
  Script script;
  if (input.empty()) return script;
  script.gateway = input[0];
  std::size_t at = 1;
  while (at + kStepHeader <= input.size() && script.steps.size() < kMostSteps) {
    Step step;
    step.kind = static_cast<Kind>(input[at] % static_cast<unsigned>(Kind::count_));
    step.place = input[at + 1];
    step.pause = static_cast<std::uint8_t>(input[at + 2] % std::size(kPauses));
    step.cut = input[at + 3];
    step.manner = input[at + 4];
    const std::size_t wanted = input[at + 5] | static_cast<std::size_t>(input[at + 6]) << 8;
    at += kStepHeader;
    const std::size_t length = std::min(wanted, input.size() - at);
    const Bytes octets = input.subspan(at, length);
    step.octets.assign(octets.begin(), octets.end());
    script.steps.push_back(std::move(step));
    at += length;
  }
  return script;
}

Octets input_of(const Script& script) {
  Octets input{script.gateway};
  for (const Step& step : script.steps) {
    const std::size_t length = std::min<std::size_t>(step.octets.size(), UINT16_MAX);
    for (const std::size_t octet : {static_cast<std::size_t>(step.kind), static_cast<std::size_t>(step.place),
                                    static_cast<std::size_t>(step.pause), static_cast<std::size_t>(step.cut),
                                    static_cast<std::size_t>(step.manner), length & 0xff, length >> 8})
      input.push_back(static_cast<std::uint8_t>(octet));
    input.insert(input.end(), step.octets.begin(), step.octets.begin() + static_cast<std::ptrdiff_t>(length));
  }
  return input;
}

}  // namespace strata::fuzz
