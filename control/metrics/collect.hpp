// The one place where metrics come from: read from the main thread, without a word to the workers.
#pragma once

#include <string>

#include "control/metrics/families.hpp"
#include "control/show/view.hpp"

namespace strata::metrics {

// started: the time of day when the gateway's counters began. index: of the gateway's configuration.
Families collect(const show::Gateway& gateway, const std::string& version, double started);

}  // namespace strata::metrics
