// Next hops on a link, with the link header they need ready made.
#pragma once

#include <cassert>
#include <memory>
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

// Those of the configuration first, with room for what it may have later, then room for those that are learned. Its one
// writer is Neighbors.
class AdjacencyTable {
 public:
  AdjacencyTable() : AdjacencyTable({}, 0) {}
  // later: of the configuration; more: learned.
  AdjacencyTable(std::vector<Adjacency> adjacencies, std::size_t more, std::size_t later = 0)
      : size_(adjacencies.size()), room_(size_ + later) {
    adjacencies.resize(room_ + more, none());
    entries_ = std::make_shared<std::vector<Adjacency>>(std::move(adjacencies));
    first_ = entries_->data();
  }
  AdjacencyTable(const AdjacencyTable& other)
      : entries_(std::make_shared<std::vector<Adjacency>>(*other.entries_)),
        first_(entries_->data()),
        size_(other.size_),
        room_(other.room_) {}
  AdjacencyTable(AdjacencyTable&&) noexcept = default;
  AdjacencyTable& operator=(AdjacencyTable&&) noexcept = default;
  ~AdjacencyTable() = default;

  // The same entries, by another name. size: of the configuration.
  AdjacencyTable share(std::size_t size) const {
    AdjacencyTable same;
    same.entries_ = entries_;
    same.first_ = first_;
    same.size_ = size;
    same.room_ = room_;
    return same;
  }

  const Adjacency& operator[](AdjId<V4> id) const {
    assert(id.index() < capacity());
    return first_[id.index()];
  }
  Adjacency& at(AdjId<V4> id) {
    assert(id.index() < capacity());
    return first_[id.index()];
  }
  std::size_t size() const { return size_; }  // of the configuration
  std::size_t room() const { return room_; }  // for it; behind are those that are learned
  std::size_t capacity() const { return entries_->size(); }

  static Adjacency none() { return {{}, PortId::none(), Side::protected_side, false, 0, {}}; }

 private:
  std::shared_ptr<std::vector<Adjacency>> entries_;
  Adjacency* first_;
  std::size_t size_ = 0;
  std::size_t room_ = 0;
};

}  // namespace strata
