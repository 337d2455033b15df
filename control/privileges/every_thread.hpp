// What Linux keeps for each thread is changed in all of them, libraries' threads too.
#pragma once

#include <string>
#include <tl/expected.hpp>

namespace strata {

// Runs `work` in every thread of the process but this one, inside a signal's handler: it may call the kernel and
// nothing else, and returns 0 or an errno. Not from two threads at once.
tl::expected<void, std::string> in_every_other_thread(int (*work)());

}  // namespace strata
