// From a configuration to the tables that workers read.
#pragma once

#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "config/config.hpp"
#include "dataplane/table/tables.hpp"

namespace strata {

// macs: of the ports in the configuration's order; where it says none, the device's. Errors: memory, in one sentence.
tl::expected<std::unique_ptr<Tables>, std::string> build_tables(const config::Config& config,
                                                                const std::vector<wire::MacAddress>& macs);

AeadAlgorithm algorithm_of(config::Algorithm algorithm);

// Buffers that a worker keeps at the most until a neighbor answers or a datagram is whole.
unsigned waiting_buffers(const config::Config& config);

}  // namespace strata
