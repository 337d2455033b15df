// The gateways that scripts are played to: gateway.yaml, with each of a few ends.
#pragma once

#include <array>

#include "config/config.hpp"

namespace strata::fuzz {

// plain: all that strata does by itself. kernel: with a port that leads to the machine's own kernel. shut: nobody is
// asked or answered, and nothing is put together.
inline constexpr std::size_t kGateways = 3;

// Read once. Aborts when one is not what the parser takes.
const config::Config& gateway_config(std::size_t which);

}  // namespace strata::fuzz
