// The TCP socket that metrics are asked for at.
#pragma once

#include <cstdint>
#include <string>
#include <tl/expected.hpp>

#include "control/descriptor.hpp"

namespace strata::metrics {

// address: IPv4 or IPv6. The error says what was found and what to do.
tl::expected<Descriptor, std::string> listen_at(const std::string& address, std::uint16_t port);

}  // namespace strata::metrics
