// Next hops on a link, with the link header they need ready made.
#pragma once

#include <vector>

#include "dataplane/packet/gate.hpp"
#include "dataplane/packet/stage.hpp"

namespace strata {

struct alignas(32) Adjacency {
  EthernetHeader header;  // destination, source, EtherType IPv4; nothing of it means anything while unresolved
  PortId port;
  Side side;                  // of the port
  bool resolved;              // the neighbor's MAC address is known
  std::uint16_t mtu;          // of the port: octets of IPv4 packet
  wire::Ipv4Address address;  // of the neighbor
};

// Those of the configuration first, then room for those that are learned. Its one writer is Neighbors.
class AdjacencyTable {
 public:
  AdjacencyTable() = default;
  AdjacencyTable(std::vector<Adjacency> adjacencies, std::size_t more)
      : adjacencies_(std::move(adjacencies)), size_(adjacencies_.size()) {
    adjacencies_.resize(size_ + more, Adjacency{{}, PortId::none(), Side::protected_side, false, 0, {}});
  }
  const Adjacency& operator[](AdjId<V4> id) const { return adjacencies_[id.index()]; }
  Adjacency& at(AdjId<V4> id) { return adjacencies_[id.index()]; }
  std::size_t size() const { return size_; }  // of the configuration
  std::size_t capacity() const { return adjacencies_.size(); }

 private:
  std::vector<Adjacency> adjacencies_;
  std::size_t size_ = 0;
};

}  // namespace strata
