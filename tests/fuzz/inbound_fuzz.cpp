// Whoever is on the wire without a key: frames to the unprotected port, and all that strata does with them.
#include "tests/fuzz/journey.hpp"

const strata::fuzz::Traffic strata::fuzz::kTraffic{.ports = kWan, .has_key = false};
