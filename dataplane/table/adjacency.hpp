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
  wire::Ipv4Address address;  // of the neighbor
};

class AdjacencyTable {
 public:
  AdjacencyTable() = default;
  explicit AdjacencyTable(std::vector<Adjacency> adjacencies) : adjacencies_(std::move(adjacencies)) {}
  const Adjacency& operator[](AdjId<V4> id) const { return adjacencies_[id.index()]; }
  std::size_t size() const { return adjacencies_.size(); }

 private:
  std::vector<Adjacency> adjacencies_;
};

}  // namespace strata
