#include "dataplane/table/sid_table.hpp"

#include <algorithm>
#include <map>

namespace strata {

SidTable::Key SidTable::key_of(const wire::Ipv6Address& address) {
  Key key;
  std::memcpy(&key.high, address.octets.data(), sizeof key.high);
  std::memcpy(&key.low, address.octets.data() + sizeof key.high, sizeof key.low);
  return key;
}

SidTable::SidTable(const std::vector<LocalSid>& sids)
    : SidTable([&] {
        std::vector<std::pair<SidId, LocalSid>> placed;
        for (std::size_t i = 0; i < sids.size(); ++i)
          placed.emplace_back(SidId(static_cast<std::uint32_t>(i)), sids[i]);
        return placed;
      }()) {}

SidTable::SidTable(const std::vector<std::pair<SidId, LocalSid>>& sids, std::size_t size) {
  std::map<std::uint8_t, std::vector<std::pair<Key, Found>>, std::greater<>> by_length;
  for (const auto& [id, sid] : sids) {
    const wire::Ipv6Prefix network = wire::network_of(sid.prefix);
    by_length[network.length].push_back({key_of(network.address), Found{id}});
    size = std::max<std::size_t>(size, id.index() + 1);
  }
  std::vector<LocalSid> placed(size, LocalSid{{}, SidBehavior::end_dx4, false, AdjId<V4>::none()});
  for (const auto& [id, sid] : sids) placed[id.index()] = sid;
  sids_ = Fixed(std::move(placed));
  for (const auto& [length, entries] : by_length) {
    const wire::Ipv6Address mask = wire::mask_of(wire::Ipv6Prefix{{}, length});
    lengths_.push_back({key_of(mask), FlatHash<Key, Found>(entries)});
  }
}

}  // namespace strata
