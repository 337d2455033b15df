// Hosts of the protected side, and the machine's own kernel: IPv4 that is steered, sealed, cut, answered or refused.
#include "tests/fuzz/journey.hpp"

const strata::fuzz::Traffic strata::fuzz::kTraffic{.ports = kLan | kLan2 | kKernel, .has_key = false};
