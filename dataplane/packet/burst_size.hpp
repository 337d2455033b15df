#pragma once

#include <cstddef>

namespace strata {

// Packets that go through the journey together, at the most.
inline constexpr std::size_t kBurstSize = 64;

// Packets that a worker takes from a queue at a time: twice as many large ones outgrow the first-level cache before
// their turn, and save nothing (docs/performance.md).
inline constexpr std::size_t kTurn = 32;

}  // namespace strata
