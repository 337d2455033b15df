// `strata bench --device`: the journeys between two of DPDK's devices, with the drivers' part.
#pragma once

#include <string>
#include <tl/expected.hpp>

#include "bench/options.hpp"
#include "bench/report.hpp"

namespace strata::bench {

// Errors: memory, a device that does not start, packets that did not come through.
tl::expected<Report, std::string> run_on_devices(const Options& options);

}  // namespace strata::bench
