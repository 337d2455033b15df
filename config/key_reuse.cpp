#include "config/key_reuse.hpp"

#include <algorithm>
#include <compare>
#include <numeric>
#include <optional>
#include <unordered_map>

namespace strata::config {
namespace {

std::strong_ordering compare(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) {
  return std::lexicographical_compare_three_way(a.begin(), a.end(), b.begin(), b.end());
}

// Of the uses of one key, the first ones.
class SameKey {
 public:
  // Which one of those before may not share the key with this one.
  std::optional<std::size_t> add(const KeyUse& use, std::size_t place) {
    const bool seals = use.direction == Direction::out;
    std::optional<std::size_t> other = seals ? first_ : first_out_;
    if (!seals && use.spi != 0) {
      const auto [at, is_first] = first_in_.emplace(use.spi, place);
      if (!other && !is_first) other = at->second;
    }
    if (!first_) first_ = place;
    if (seals && !first_out_) first_out_ = place;
    return other;
  }

 private:
  std::optional<std::size_t> first_;
  std::optional<std::size_t> first_out_;
  std::unordered_map<std::uint32_t, std::size_t> first_in_;  // by SPI
};

}  // namespace

std::vector<std::pair<std::size_t, std::size_t>> find_reused_keys(std::span<const KeyUse> uses) {
  std::vector<std::size_t> order(uses.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [uses](std::size_t a, std::size_t b) {
    const std::strong_ordering keys = compare(uses[a].key, uses[b].key);
    return keys == 0 ? a < b : keys < 0;
  });

  std::vector<std::pair<std::size_t, std::size_t>> out;
  SameKey same;
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i != 0 && compare(uses[order[i - 1]].key, uses[order[i]].key) != 0) same = SameKey();
    if (const auto other = same.add(uses[order[i]], order[i])) out.emplace_back(order[i], *other);
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace strata::config
