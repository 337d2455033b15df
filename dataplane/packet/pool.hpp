// Buffers, and ports that are two rings: how packets come into being without a device.
#pragma once

#include <rte_mbuf.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

struct rte_ring;

namespace strata {

// What a fresh buffer is filled with, to show that nothing of it reaches the wire.
enum class Poison : std::uint8_t {};

// A DPDK pool of buffers. Counts them, so that a lost one shows.
class Pool {
 public:
  // What the 16 bits of an mbuf's length leave.
  static constexpr unsigned kMostRoom = UINT16_MAX - RTE_PKTMBUF_HEADROOM;
  // room: octets of packet that a buffer holds, at most kMostRoom.
  static tl::expected<Pool, std::string> create(const std::string& name, unsigned count, std::uint16_t room);

  unsigned size() const;
  unsigned in_use() const;
  // Fills all buffers that nobody has.
  void poison(Poison poison) const;
  std::uint16_t room() const { return room_; }
  // For the receive queues of devices.
  rte_mempool* mempool() const { return pool_.get(); }

 private:
  friend class RingPort;
  friend class Stock;
  friend class Maker;
  struct Free {
    void operator()(rte_mempool* pool) const;
  };
  Pool(rte_mempool* pool, std::uint16_t room) : pool_(pool), room_(room) {}
  std::unique_ptr<rte_mempool, Free> pool_;
  std::uint16_t room_;
};

// Buffers that go round between ports of rings, for measurements: each is filled, fed, collected, and filled anew.
class Stock {
 public:
  static tl::expected<Stock, std::string> create(const Pool& pool, std::size_t size);
  Stock(Stock&&) noexcept = default;
  Stock& operator=(Stock&&) = delete;
  ~Stock();

  std::size_t size() const { return buffers_.size(); }
  // As a driver would leave it. At most the pool's room.
  void fill(std::size_t i, std::span<const std::uint8_t> frame);
  std::span<std::uint8_t> bytes(std::size_t i) const;
  // The first `count` by what key says of their bytes; equal ones stay in their order.
  template <class Key>
  void sort(std::size_t count, Key&& key) {
    std::stable_sort(buffers_.begin(), buffers_.begin() + static_cast<std::ptrdiff_t>(count),
                     [&](const rte_mbuf* a, const rte_mbuf* b) { return key(bytes_of(a)) < key(bytes_of(b)); });
  }
  // Out of all caches, with what DPDK keeps beside the bytes.
  void flush(std::size_t i) const;
  // Into those of the CPU that this runs on, as if it had written all of that.
  void warm(std::size_t i) const;

 private:
  friend class RingPort;
  // Each line of it.
  template <class Touch>
  static void for_lines(const rte_mbuf* buffer, Touch&& touch);
  static std::span<std::uint8_t> bytes_of(const rte_mbuf* buffer) {
    return {rte_pktmbuf_mtod(buffer, std::uint8_t*), rte_pktmbuf_data_len(buffer)};
  }
  explicit Stock(std::vector<rte_mbuf*> buffers) : buffers_(std::move(buffers)) {}
  std::vector<rte_mbuf*> buffers_;
};

// A DPDK port (driver net_ring) of which we hold the other end: what is fed is received, what is sent is collected.
class RingPort {
 public:
  // pool: DPDK wants to know of one, though rings take no buffers from it; it outlives the port. queues: each way.
  static tl::expected<RingPort, std::string> create(const std::string& name, const Pool& pool, unsigned queues = 1);
  RingPort(RingPort&&) noexcept = default;
  RingPort& operator=(RingPort&&) = delete;

  std::uint16_t device() const { return device_.id; }

  // One frame for the next receive call; what is answered tells its buffer when it is collected. A buffer goes through
  // the journey as it is, so a frame that comes out can be held against the one that went in.
  // nullptr: no buffer, or the ring is full.
  const void* feed(const Pool& pool, std::span<const std::uint8_t> frame, std::optional<Poison> poison);

  // Those of a stock from `first` on, as they are. How many the ring took.
  std::size_t feed(const Stock& stock, std::size_t first, std::size_t count, std::size_t queue = 0);
  // The frames sent since the last call into a stock's places from `first` on. How many came.
  std::size_t collect(Stock& stock, std::size_t first, std::size_t count, std::size_t queue = 0);

  // Hands every frame sent since the last call to take(const void* buffer, std::span<const std::uint8_t>), in order,
  // and frees it.
  template <class Take>
  void collect(Take&& take) {
    for (;;) {
      rte_mbuf* buffers[32];
      const unsigned n = dequeue(buffers, 32);
      if (n == 0) return;
      for (unsigned i = 0; i < n; ++i)
        take(static_cast<const void*>(buffers[i]),
             std::span<const std::uint8_t>(rte_pktmbuf_mtod(buffers[i], const std::uint8_t*), buffers[i]->data_len));
      rte_pktmbuf_free_bulk(buffers, n);
    }
  }

 private:
  // With all that is in it.
  struct FreeRing {
    void operator()(rte_ring* ring) const;
  };
  using Ring = std::unique_ptr<rte_ring, FreeRing>;
  // Goes before the rings that it reads.
  struct Device {
    std::uint16_t id;
    Device(std::uint16_t number) : id(number) {}
    Device(Device&& other) noexcept : id(std::exchange(other.id, kNone)) {}
    ~Device();
    static constexpr std::uint16_t kNone = UINT16_MAX;
  };

  RingPort(std::vector<Ring> rx, std::vector<Ring> tx, std::uint16_t device)
      : rx_(std::move(rx)), tx_(std::move(tx)), device_(device) {}
  unsigned dequeue(rte_mbuf** buffers, unsigned most);

  std::vector<Ring> rx_;  // by queue
  std::vector<Ring> tx_;
  Device device_;
};

}  // namespace strata
