// Requests may have keys in them.
#pragma once

#include "control/rpc/dispatcher.hpp"

namespace strata::rpc {

// Overwrites all texts in it, and empties them.
void wipe(Request& request);

}  // namespace strata::rpc
