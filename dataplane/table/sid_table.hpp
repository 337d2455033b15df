// The local SIDs: longest prefix first, each with what its behaviour needs.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "dataplane/packet/stage.hpp"
#include "dataplane/table/fixed.hpp"
#include "dataplane/table/flat_hash.hpp"

namespace strata {

// RFC 8986 section 4. Each behaviour is a stage of its own and a burst of its own.
enum class SidBehavior : std::uint8_t { end_dx4 };

struct LocalSid {
  wire::Ipv6Prefix prefix;
  SidBehavior behavior;
  bool takes_clear;  // also traffic that no SA protected
  AdjId<V4> adj;     // End.DX4: the cross-connect J
};

// SIDs of one length share a hash table; lengths are tried from the longest. Networks have one or two lengths of SID,
// so a look-up is one or two probes, where a trie would take one step for each octet.
class SidTable {
 public:
  SidTable() = default;
  // In this order.
  explicit SidTable(const std::vector<LocalSid>& sids);
  // Each at its place; the others have none. size: places there are at the least.
  explicit SidTable(const std::vector<std::pair<SidId, LocalSid>>& sids, std::size_t size = 0);

  // RFC 8754 section 4.3: the longest prefix that holds the destination. none(): it is no local SID.
  SidId find(const std::uint8_t* destination) const {
    std::uint64_t high;
    std::uint64_t low;
    std::memcpy(&high, destination, sizeof high);
    std::memcpy(&low, destination + sizeof high, sizeof low);
    for (const OfLength& of : lengths_) {
      if (const Found* found = of.sids.find(Key{high & of.mask.high, low & of.mask.low})) return found->id;
    }
    return SidId::none();
  }

  const LocalSid& operator[](SidId id) const { return sids_[id.index()]; }
  std::size_t size() const { return sids_.size(); }  // places, of which some may be empty

 private:
  struct Key {  // network byte order
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    bool operator==(const Key&) const = default;
  };
  // FlatHash wants values that can stand for nothing in a free slot.
  struct Found {
    SidId id = SidId::none();
  };
  struct OfLength {
    Key mask;
    FlatHash<Key, Found> sids;
  };

  static Key key_of(const wire::Ipv6Address& address);

  Fixed<LocalSid> sids_;
  std::vector<OfLength> lengths_;  // longest first
};

}  // namespace strata
