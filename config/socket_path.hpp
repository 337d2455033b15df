// Where the control socket of a gateway is.
#pragma once

#include <string>

#include "config/config.hpp"

namespace strata::config {

inline constexpr const char* kSocketFolder = "/run/strata";

// Of a gateway of this name that says nothing else.
std::string socket_path(const std::string& name);

// What the configuration says, or the usual place by its name.
std::string socket_path(const Config& config);

}  // namespace strata::config
