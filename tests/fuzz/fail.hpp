// How a target says that something is wrong.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>

namespace strata::fuzz {

// Says why, and aborts, so that libFuzzer keeps the input.
[[noreturn]] inline void fail(const std::string& why) {
  std::fprintf(stderr, "\n== %s\n", why.c_str());
  std::abort();
}

}  // namespace strata::fuzz
