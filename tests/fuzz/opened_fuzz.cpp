// A hostile peer with a key: whatever it likes, sealed rightly by OpenSSL, and opened by strata.
#include "tests/fuzz/journey.hpp"

const strata::fuzz::Traffic strata::fuzz::kTraffic{.ports = kWan, .has_key = true};
