// `strata bench`: the real worker on packets of its own making, without a device.
#pragma once

#include <string>
#include <tl/expected.hpp>

#include "bench/options.hpp"
#include "bench/report.hpp"

namespace strata::bench {

// Errors: memory, a CPU that the cryptography does not run on, packets that did not come through.
tl::expected<Report, std::string> run(const Options& options);

}  // namespace strata::bench
