// A process gives up what it no longer needs, for good: who it was, capabilities, programs that it could become.
#pragma once

#include <cstdint>
#include <string>
#include <tl/expected.hpp>

#include "control/privileges/user.hpp"

namespace strata {

// Capabilities by their numbers (capabilities(7)), as bits.
using Capabilities = std::uint64_t;

// From now on every thread, of libraries too, is the user's, and has no more than the capabilities in `kept` that it
// had; of them only this thread and those that it makes have any. No program can be started (no_new_privs, seccomp),
// and what is in memory goes into no core.
tl::expected<void, std::string> confine(const User& user, Capabilities kept);

// From now on the kernel writes no core of this process: in the midst of a packet registers hold a key, and a core has
// them, whatever memory is left out of it. Another user than root cannot trace it any more either.
tl::expected<void, std::string> leave_no_core();

}  // namespace strata
