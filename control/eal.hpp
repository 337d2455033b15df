// DPDK's environment (EAL): started once for a process.
#pragma once

#include <string>
#include <tl/expected.hpp>

namespace strata {

// Without root, hugepages, devices or the network: for replay. megabytes: of ordinary memory.
tl::expected<void, std::string> start_eal_offline(unsigned megabytes);

}  // namespace strata
