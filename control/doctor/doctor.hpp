// `strata doctor`: what on this machine stops a start of `strata run`, or will spoil it, and what mends it.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "control/doctor/machine.hpp"

namespace strata {

enum class Grade : std::uint8_t {
  fine,
  hint,     // slower than it could be
  warning,  // starts, but does not what one expects
  stops,    // does not start
};

struct Finding {
  Grade grade = Grade::fine;
  std::string about;  // "CPU", "port wan"
  std::string sentence;
  std::vector<std::string> mend;  // commands, and what is no command in words
};

using Findings = std::vector<Finding>;

// config: nothing: of the machine alone.
Findings examine(const Machine& machine, const config::Config* config);

bool can_start(const Findings& findings);

// least: of the grades, what is to be shown.
std::string to_text(const Findings& findings, Grade least);
nlohmann::ordered_json to_json(const Findings& findings);

}  // namespace strata
