// Which security associations are for the same packets.
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "config/config.hpp"

namespace strata::config {

// Pairs of places (first < second) in `selectors` that overlap in source, destination and protocol. Everyone that
// overlaps another one is in some pair; not every pair is listed. O(n log n) for a fixed number of prefix lengths.
std::vector<std::pair<std::size_t, std::size_t>> find_overlaps(std::span<const Selectors* const> selectors);

}  // namespace strata::config
