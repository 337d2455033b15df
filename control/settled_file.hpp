// A file that somebody may be writing while it is read.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <tl/expected.hpp>

namespace strata {

struct Settling {
  std::chrono::milliseconds at_rest{50};   // so long nobody wrote to it
  std::chrono::milliseconds longest{500};  // is slept for that
  unsigned reads = 3;
};

// Runs `read`, which reads the file at `path`, when nobody has written to it for a while, and once more where it became
// another one meanwhile. The error, in one sentence: it does not come to rest. What is no regular file is read as it
// is.
tl::expected<void, std::string> read_settled(const std::string& path, const std::function<void()>& read,
                                             const Settling& settling = {});

}  // namespace strata
