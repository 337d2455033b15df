// The kernel's network interfaces.
#pragma once

#include <string>

#include "control/doctor/machine.hpp"

namespace strata::doctor {

bool has_interface(const Machine& machine, const std::string& name);
bool is_up(const Machine& machine, const std::string& name);

// An address of IPv4, or of IPv6 beyond the link.
bool has_address(const Machine& machine, const std::string& name);

// The name of the interface that a virtual one is joined to, "another namespace's" if it is elsewhere; empty: it has
// none.
std::string other_end(const Machine& machine, const std::string& name);

}  // namespace strata::doctor
