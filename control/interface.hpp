// A network interface of the kernel, where a device of DPDK is made of one.
#pragma once

#include <cstdint>
#include <string>
#include <tl/expected.hpp>

namespace strata {

// Error: why not, in the kernel's words.
tl::expected<void, std::string> set_interface_mtu(unsigned index, std::uint16_t mtu);

// Whether it is up and its other end is there. One that is gone is not.
bool interface_is_up(unsigned index);

}  // namespace strata
