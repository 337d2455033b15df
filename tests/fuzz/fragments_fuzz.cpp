// Fragments, of ESP and of what is in clear, and packets that are cut: several frames of one input belong together.
#include "tests/fuzz/journey.hpp"

const strata::fuzz::Traffic strata::fuzz::kTraffic{.ports = kWan | kLan | kLan2 | kKernel, .has_key = true};
