#include "config/key_reuse.hpp"

#include <algorithm>
#include <compare>
#include <numeric>
#include <optional>

namespace strata::config {
namespace {

std::strong_ordering compare(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) {
  return std::lexicographical_compare_three_way(a.begin(), a.end(), b.begin(), b.end());
}

}  // namespace

std::vector<std::pair<std::size_t, std::size_t>> find_reused_keys(std::span<const KeyUse> uses) {
  std::vector<std::size_t> order(uses.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [uses](std::size_t a, std::size_t b) {
    const std::strong_ordering keys = compare(uses[a].key, uses[b].key);
    return keys == 0 ? a < b : keys < 0;
  });

  std::vector<std::pair<std::size_t, std::size_t>> out;
  std::optional<std::size_t> first;  // with the key being looked at
  std::optional<std::size_t> first_out;
  for (const std::size_t place : order) {
    if (first && compare(uses[*first].key, uses[place].key) != 0) first = first_out = std::nullopt;
    const bool seals = uses[place].direction == Direction::out;
    if (const std::optional<std::size_t> other = seals ? first : first_out) out.emplace_back(place, *other);
    if (!first) first = place;
    if (seals && !first_out) first_out = place;
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace strata::config
