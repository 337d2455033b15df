// What the host's worker has learned of neighbors, for the others to read: each of them has adjacencies of its own, and
// changes them between its turns alone, so that a path changes for it when it wants.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

#include "dataplane/table/adjacency.hpp"
#include "dataplane/wire/ethernet.hpp"

namespace strata {

// Seldom written, and read only when it was: a lock does.
class NeighborBoard {
 public:
  struct Entry {
    PortId port = PortId::none();
    wire::Ipv4Address address{};
    wire::MacAddress mac{};
    bool resolved = false;
    // Whose place this was before.
    PortId former_port = PortId::none();
    wire::Ipv4Address former_address{};
    std::uint64_t version = 0;
  };

  explicit NeighborBoard(std::size_t neighbors) : entries_(neighbors) {}

  // The host's worker, once all that waited for these neighbors is on its way.
  void post(const AdjacencyTable& adjacencies, const std::vector<AdjId<V4>>& changed) {
    const std::lock_guard lock(mutex_);
    const std::uint64_t version = version_.load(std::memory_order_relaxed) + 1;
    for (const AdjId<V4> id : changed) {
      const Adjacency& adj = adjacencies[id];
      Entry& entry = entries_[id.index()];
      if (entry.port != adj.port || entry.address != adj.address) {
        entry.former_port = entry.port;
        entry.former_address = entry.address;
      }
      entry.port = adj.port;
      entry.address = adj.address;
      entry.mac = wire::read_mac(adj.header.data());
      entry.resolved = adj.resolved;
      entry.version = version;
    }
    version_.store(version, std::memory_order_release);
  }

  std::uint64_t version() const { return version_.load(std::memory_order_acquire); }

  // Hands what has changed since version `seen` to `take`. Returns the version that this is.
  template <class Take>
  std::uint64_t read(std::uint64_t seen, Take&& take) const {
    const std::lock_guard lock(mutex_);
    for (const Entry& entry : entries_)
      if (entry.version > seen) take(entry);
    return version_.load(std::memory_order_relaxed);
  }

 private:
  mutable std::mutex mutex_;
  std::vector<Entry> entries_;  // by the host's AdjId
  std::atomic<std::uint64_t> version_{0};
};

}  // namespace strata
