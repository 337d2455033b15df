#include "config/overlap.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <tuple>

namespace strata::config {
namespace {

using Key = std::pair<wire::Ipv6Prefix, std::size_t>;  // destination, then the place in the list

wire::Ipv6Address last_of(const wire::Ipv6Prefix& p) {
  wire::Ipv6Address last = p.address;
  const wire::Ipv6Address mask = wire::mask_of(p);
  for (std::size_t i = 0; i < last.octets.size(); ++i) last.octets[i] |= static_cast<std::uint8_t>(~mask.octets[i]);
  return last;
}

// Destinations, asked for one that overlaps. Two prefixes overlap only when one contains the other.
class Destinations {
 public:
  void insert(const Key& key) {
    keys_.insert(key);
    ++lengths_[key.first.length];
  }
  void erase(const Key& key) {
    keys_.erase(key);
    --lengths_[key.first.length];
  }
  [[nodiscard]] std::optional<std::size_t> overlapping(const wire::Ipv6Prefix& p) const {
    if (keys_.empty()) return std::nullopt;
    for (std::uint8_t length = 0; length <= p.length; ++length) {  // one that contains p
      if (lengths_[length] == 0) continue;
      const wire::Ipv6Prefix wider = wire::network_of({.address = p.address, .length = length});
      const auto it = keys_.lower_bound({wider, 0});
      if (it != keys_.end() && it->first == wider) return it->second;
    }
    const auto it = keys_.lower_bound({p, 0});  // one inside p
    if (it != keys_.end() && it->first.address <= last_of(p)) return it->second;
    return std::nullopt;
  }

 private:
  std::set<Key> keys_;
  std::array<std::size_t, 129> lengths_{};
};

// Those whose source contains the source being looked at, by protocol.
class Open {
 public:
  void insert(const Selectors& s, const Key& key) {
    all_.insert(key);
    (s.protocol ? by_protocol_[*s.protocol] : any_).insert(key);
  }
  void erase(const Selectors& s, const Key& key) {
    all_.erase(key);
    (s.protocol ? by_protocol_[*s.protocol] : any_).erase(key);
  }
  [[nodiscard]] std::optional<std::size_t> overlapping(const Selectors& s, const wire::Ipv6Prefix& destination) const {
    if (!s.protocol) return all_.overlapping(destination);
    if (const auto found = any_.overlapping(destination)) return found;
    const auto it = by_protocol_.find(*s.protocol);
    return it == by_protocol_.end() ? std::nullopt : it->second.overlapping(destination);
  }

 private:
  Destinations all_;
  Destinations any_;  // those that take any protocol
  std::map<std::uint8_t, Destinations> by_protocol_;
};

}  // namespace

// Sources in the order of (address, length) are a walk through their tree: when one comes, those that contain it are
// the ones still open.
std::vector<std::pair<std::size_t, std::size_t>> find_overlaps(std::span<const Selectors* const> selectors) {
  std::vector<std::size_t> order(selectors.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::tuple(wire::network_of(selectors[a]->source), a) <
           std::tuple(wire::network_of(selectors[b]->source), b);
  });

  std::vector<std::pair<std::size_t, std::size_t>> out;
  std::vector<std::size_t> path;
  Open open;
  for (const std::size_t place : order) {
    const Selectors& s = *selectors[place];
    while (!path.empty() && !wire::contains(selectors[path.back()]->source, s.source.address)) {
      const Selectors& closed = *selectors[path.back()];
      open.erase(closed, {wire::network_of(closed.destination), path.back()});
      path.pop_back();
    }
    const wire::Ipv6Prefix destination = wire::network_of(s.destination);
    if (const auto other = open.overlapping(s, destination))
      out.emplace_back(std::min(*other, place), std::max(*other, place));
    open.insert(s, {destination, place});
    path.push_back(place);
  }
  return out;
}

}  // namespace strata::config
