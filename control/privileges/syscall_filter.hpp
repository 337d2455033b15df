// System calls that a gateway has no use for once it runs, and whoever gets into it would.
#pragma once

#include <string>
#include <tl/expected.hpp>

namespace strata {

// From now on none of the process's threads can start a program, look into another process, make a namespace,
// change what is mounted or the kernel's modules: it is told EPERM. Sets no_new_privs in all of them.
tl::expected<void, std::string> refuse_programs();

}  // namespace strata
