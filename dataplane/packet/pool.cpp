#include "dataplane/packet/pool.hpp"

#include <emmintrin.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_ring.h>

#include <cstring>
#include <utility>
#include <vector>

#include "dataplane/packet/parking.hpp"

namespace strata {
namespace {

constexpr unsigned kRingSize = 4096;

std::string why(const std::string& what) { return what + ": " + rte_strerror(rte_errno); }

// All of a buffer but who owns it: memory, headroom, private area, and every field that a driver might have filled.
void fill(rte_mbuf* buffer, Poison poison) {
  const auto byte = static_cast<std::uint8_t>(poison);
  std::memset(buffer->buf_addr, byte, buffer->buf_len);
  std::memset(rte_mbuf_to_priv(buffer), byte, rte_pktmbuf_priv_size(buffer->pool));
  const std::uint64_t owner = RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;
  std::uint64_t flags;
  std::memset(&flags, byte, sizeof flags);
  buffer->ol_flags = (buffer->ol_flags & owner) | (flags & ~owner);
  std::memset(&buffer->port, byte, sizeof buffer->port);
  std::memset(&buffer->packet_type, byte, sizeof buffer->packet_type);
  std::memset(&buffer->vlan_tci, byte, sizeof buffer->vlan_tci);
  std::memset(&buffer->vlan_tci_outer, byte, sizeof buffer->vlan_tci_outer);
  std::memset(&buffer->hash, byte, sizeof buffer->hash);
  std::memset(&buffer->tx_offload, byte, sizeof buffer->tx_offload);
  std::memset(buffer->dynfield1, byte, sizeof buffer->dynfield1);
}

int start(std::uint16_t device, rte_mempool* pool, std::uint16_t queues) {
  rte_eth_conf conf{};
  if (const int rc = rte_eth_dev_configure(device, queues, queues, &conf); rc != 0) return rc;
  for (std::uint16_t i = 0; i < queues; ++i) {
    if (const int rc = rte_eth_rx_queue_setup(device, i, kRingSize, 0, nullptr, pool); rc != 0) return rc;
    if (const int rc = rte_eth_tx_queue_setup(device, i, kRingSize, 0, nullptr); rc != 0) return rc;
  }
  return rte_eth_dev_start(device);
}

}  // namespace

void Pool::Free::operator()(rte_mempool* pool) const { rte_mempool_free(pool); }

tl::expected<Pool, std::string> Pool::create(const std::string& name, unsigned count, std::uint16_t room) {
  const auto data_room = static_cast<std::uint16_t>(room + RTE_PKTMBUF_HEADROOM);
  rte_mempool* pool = rte_pktmbuf_pool_create(name.c_str(), count, 64, kPrivateSize, data_room, SOCKET_ID_ANY);
  if (pool == nullptr) return tl::unexpected(why("no memory for " + std::to_string(count) + " packet buffers"));
  return Pool(pool, room);
}

unsigned Pool::size() const { return pool_->size; }
unsigned Pool::in_use() const { return rte_mempool_in_use_count(pool_.get()); }

void Pool::poison(Poison poison) const {
  std::vector<rte_mbuf*> buffers(rte_mempool_avail_count(pool_.get()));
  std::size_t n = 0;
  while (n < buffers.size() && (buffers[n] = rte_pktmbuf_alloc(pool_.get())) != nullptr) fill(buffers[n++], poison);
  rte_pktmbuf_free_bulk(buffers.data(), static_cast<unsigned>(n));
}

tl::expected<Stock, std::string> Stock::create(const Pool& pool, std::size_t size) {
  std::vector<rte_mbuf*> buffers(size);
  if (rte_pktmbuf_alloc_bulk(pool.pool_.get(), buffers.data(), static_cast<unsigned>(size)) != 0)
    return tl::unexpected("the pool has fewer than " + std::to_string(size) + " packet buffers");
  return Stock(std::move(buffers));
}

Stock::~Stock() { rte_pktmbuf_free_bulk(buffers_.data(), static_cast<unsigned>(buffers_.size())); }

void Stock::fill(std::size_t i, std::span<const std::uint8_t> frame) {
  rte_pktmbuf_reset(buffers_[i]);
  char* data = rte_pktmbuf_append(buffers_[i], static_cast<std::uint16_t>(frame.size()));
  std::memcpy(data, frame.data(), frame.size());
}

std::span<std::uint8_t> Stock::bytes(std::size_t i) const { return bytes_of(buffers_[i]); }

template <class Touch>
void Stock::for_lines(const rte_mbuf* buffer, Touch&& touch) {
  const auto* from = reinterpret_cast<const std::uint8_t*>(buffer);
  const auto* to = static_cast<const std::uint8_t*>(buffer->buf_addr) + buffer->data_off + buffer->data_len;
  for (; from < to; from += RTE_CACHE_LINE_SIZE) touch(from);
}

void Stock::flush(std::size_t i) const {
  for_lines(buffers_[i], [](const std::uint8_t* line) { _mm_clflush(line); });
  _mm_mfence();
}

void Stock::warm(std::size_t i) const {
  for_lines(buffers_[i], [](const std::uint8_t* line) {
    auto* octet = const_cast<volatile std::uint8_t*>(line);
    const std::uint8_t as_it_is = *octet;
    *octet = as_it_is;
  });
}

void RingPort::FreeRing::operator()(rte_ring* ring) const {
  void* buffer = nullptr;
  while (rte_ring_dequeue(ring, &buffer) == 0) rte_pktmbuf_free(static_cast<rte_mbuf*>(buffer));
  rte_ring_free(ring);
}

RingPort::Device::~Device() {
  if (id == kNone) return;
  rte_eth_dev_info info{};
  rte_eth_dev_info_get(id, &info);
  rte_eth_dev_stop(id);
  rte_eth_dev_close(id);
  rte_dev_remove(info.device);  // or else its name stays taken
}

tl::expected<RingPort, std::string> RingPort::create(const std::string& name, const Pool& pool, unsigned queues) {
  std::vector<Ring> rx;
  std::vector<Ring> tx;
  std::vector<rte_ring*> rx_rings;
  std::vector<rte_ring*> tx_rings;
  for (unsigned i = 0; i < queues; ++i) {
    const std::string of_queue = i == 0 ? name : name + "_" + std::to_string(i);
    rx.emplace_back(rte_ring_create((of_queue + "_rx").c_str(), kRingSize, 0, RING_F_SP_ENQ | RING_F_SC_DEQ));
    tx.emplace_back(rte_ring_create((of_queue + "_tx").c_str(), kRingSize, 0, RING_F_SP_ENQ | RING_F_SC_DEQ));
    if (!rx.back() || !tx.back()) return tl::unexpected(why("no memory for the rings of port " + name));
    rx_rings.push_back(rx.back().get());
    tx_rings.push_back(tx.back().get());
  }
  const int device = rte_eth_from_rings(name.c_str(), rx_rings.data(), queues, tx_rings.data(), queues, 0);
  if (device < 0) return tl::unexpected(why("cannot make a port of rings for " + name));
  RingPort port(std::move(rx), std::move(tx), static_cast<std::uint16_t>(device));
  if (const int rc = start(port.device(), pool.pool_.get(), static_cast<std::uint16_t>(queues)); rc != 0)
    return tl::unexpected("cannot start the port of rings for " + name + ": " + rte_strerror(-rc));
  return port;
}

const void* RingPort::feed(const Pool& pool, std::span<const std::uint8_t> frame, std::optional<Poison> poison) {
  rte_mbuf* buffer = rte_pktmbuf_alloc(pool.pool_.get());
  if (buffer == nullptr) return nullptr;
  if (poison) fill(buffer, *poison);
  char* data = rte_pktmbuf_append(buffer, static_cast<std::uint16_t>(frame.size()));
  if (data == nullptr) {
    rte_pktmbuf_free(buffer);
    return nullptr;
  }
  if (!frame.empty()) std::memcpy(data, frame.data(), frame.size());
  if (rte_ring_enqueue(rx_.front().get(), buffer) == 0) return buffer;
  rte_pktmbuf_free(buffer);
  return nullptr;
}

std::size_t RingPort::feed(const Stock& stock, std::size_t first, std::size_t count, std::size_t queue) {
  return rte_ring_enqueue_burst(rx_[queue].get(), reinterpret_cast<void* const*>(stock.buffers_.data() + first),
                                static_cast<unsigned>(count), nullptr);
}

std::size_t RingPort::collect(Stock& stock, std::size_t first, std::size_t count, std::size_t queue) {
  return rte_ring_dequeue_burst(tx_[queue].get(), reinterpret_cast<void**>(stock.buffers_.data() + first),
                                static_cast<unsigned>(count), nullptr);
}

unsigned RingPort::dequeue(rte_mbuf** buffers, unsigned most) {
  return rte_ring_dequeue_burst(tx_.front().get(), reinterpret_cast<void**>(buffers), most, nullptr);
}

}  // namespace strata
