// Which security associations are for the same packets.
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "config/config.hpp"

namespace strata::config {

// Pairs of places (first < second) in `selectors` that overlap in source, destination and protocol: none only when no
// two overlap, and of two that do at least one is in a pair. Not every pair is listed, there could be n * n of them.
// O(n log n) for a given number of different prefix lengths.
std::vector<std::pair<std::size_t, std::size_t>> find_overlaps(std::span<const Selectors* const> selectors);

}  // namespace strata::config
