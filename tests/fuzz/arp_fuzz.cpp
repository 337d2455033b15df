// ARP by all ports, with packets that wait for an answer, and time that passes.
#include "tests/fuzz/journey.hpp"

const strata::fuzz::Traffic strata::fuzz::kTraffic{.ports = kWan | kLan | kLan2 | kKernel, .has_key = false};
