#include "dataplane/table/sid_table.hpp"

#include <map>

namespace strata {

SidTable::Key SidTable::key_of(const wire::Ipv6Address& address) {
  Key key;
  std::memcpy(&key.high, address.octets.data(), sizeof key.high);
  std::memcpy(&key.low, address.octets.data() + sizeof key.high, sizeof key.low);
  return key;
}

SidTable::SidTable(std::vector<LocalSid> sids) : sids_(std::move(sids)) {
  std::map<std::uint8_t, std::vector<std::pair<Key, Found>>, std::greater<>> by_length;
  for (std::size_t i = 0; i < sids_.size(); ++i) {
    const wire::Ipv6Prefix network = wire::network_of(sids_[i].prefix);
    by_length[network.length].push_back({key_of(network.address), Found{SidId(static_cast<std::uint32_t>(i))}});
  }
  for (const auto& [length, entries] : by_length) {
    const wire::Ipv6Address mask = wire::mask_of(wire::Ipv6Prefix{{}, length});
    lengths_.push_back({key_of(mask), FlatHash<Key, Found>(entries)});
  }
}

}  // namespace strata
