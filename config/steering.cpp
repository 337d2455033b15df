#include "config/steering.hpp"

#include <algorithm>

namespace strata::config {
namespace {

constexpr std::uint8_t kIpv4 = 4;  // the upper layer of what a policy makes

bool takes(const SecurityAssociation& sa, const wire::Ipv6Address& source) {
  return sa.direction == Direction::out && sa.selectors.protocol.value_or(kIpv4) == kIpv4 &&
         wire::contains(sa.selectors.source, source);
}

}  // namespace

Steering::Steering(const Config& config) : config_(&config) {
  for (const SecurityAssociation& sa : config.security_associations) {
    if (!config.srv6_source || !takes(sa, *config.srv6_source)) continue;
    sas_.try_emplace(wire::network_of(sa.selectors.destination).address, &sa);
  }
  // Of equal prefixes the first stays: a link of ours before a route.
  for (const Port& port : config.ports) {
    for (const wire::Ipv4Prefix& address : port.addresses)
      ways_.push_back({.prefix = wire::network_of(address), .port = &port.name, .next_hop = {}});
  }
  for (const Route& route : config.routes)
    ways_.push_back({.prefix = route.prefix, .port = &route.port, .next_hop = route.next_hop});
  std::ranges::stable_sort(ways_, {}, &Way::prefix);
  const auto same = [](const Way& a, const Way& b) { return a.prefix == b.prefix; };
  ways_.erase(std::unique(ways_.begin(), ways_.end(), same), ways_.end());
}

const SecurityAssociation* Steering::sa_of(const Policy& policy) const {
  const wire::Ipv6Address& destination = policy.segments.front();
  const auto after = sas_.upper_bound(destination);
  if (after == sas_.begin()) return nullptr;
  const SecurityAssociation* const sa = std::prev(after)->second;
  return wire::contains(sa->selectors.destination, destination) ? sa : nullptr;
}

std::optional<NextHop> Steering::towards(wire::Ipv4Address peer) const {
  for (int length = 32; length >= 0; --length) {
    const wire::Ipv4Prefix wanted = wire::network_of(wire::Ipv4Prefix{peer, static_cast<std::uint8_t>(length)});
    const auto found = std::ranges::lower_bound(ways_, wanted, {}, &Way::prefix);
    if (found == ways_.end() || found->prefix != wanted) continue;
    const Way& way = *found;
    const auto port = std::find_if(config_->ports.begin(), config_->ports.end(),
                                   [&way](const Port& p) { return p.name == *way.port; });
    return NextHop{.port = &*port, .address = way.next_hop.value_or(peer)};
  }
  return std::nullopt;
}

}  // namespace strata::config
