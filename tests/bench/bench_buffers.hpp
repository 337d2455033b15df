// Packets for benchmarks of what is done with them, without a pool and a port.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "dataplane/packet/burst.hpp"

namespace strata {

// Stand-ins for what a pool would give: memory of a buffer, set up once.
class Buffers {
 public:
  Buffers() {
    for (std::size_t i = 0; i < kBurstSize; ++i) {
      mbufs_[i].buf_addr = &memory_[i * kStride];
      mbufs_[i].buf_len = kStride;
      mbufs_[i].nb_segs = 1;
    }
  }
  rte_mbuf* fresh(std::size_t i) {
    mbufs_[i].data_off = 128;
    mbufs_[i].data_len = 200;
    mbufs_[i].pkt_len = 200;
    return &mbufs_[i];
  }

 private:
  static constexpr std::size_t kStride = 512 + 64;  // not a power of two: those alias in the first-level cache
  std::unique_ptr<std::uint8_t[]> memory_ = std::make_unique<std::uint8_t[]>(kStride * kBurstSize);
  std::array<rte_mbuf, kBurstSize> mbufs_{};
};

// Fills and empties bursts without a port: as a friend of nobody it could not, so it is the port's own room that lets
// it.
class PortIo {
 public:
  // row_of: the row of each, by its place.
  template <class Stage, class RowOf>
  static void fill(Buffers& buffers, Burst<Stage>& burst, RowOf row_of) {
    for (std::size_t i = 0; i < kBurstSize; ++i) (void)burst.push(Access::adopt<Stage>(buffers.fresh(i)), row_of(i));
  }
  template <class Stage>
  static void empty(Burst<Stage>& burst) {
    burst.size_ = 0;
  }
};

}  // namespace strata
