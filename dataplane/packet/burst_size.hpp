#pragma once

#include <cstddef>

namespace strata {

// Packets that go through the journey together, at the most.
inline constexpr std::size_t kBurstSize = 64;

}  // namespace strata
