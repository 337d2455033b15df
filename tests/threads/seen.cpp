#include "tests/threads/seen.hpp"

#include <rte_ethdev.h>
#include <rte_mempool.h>
#include <rte_ring.h>
#include <sanitizer/tsan_interface.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

// Nothing is said but by buffer: what DPDK's rings order beyond that, nobody relies on, and it would hide races.
#define UNSEEN [[clang::disable_sanitizer_instrumentation]]

namespace {

rte_ring* ring_of(const rte_mempool* pool) { return static_cast<rte_ring*>(pool->pool_data); }

UNSEEN int begin(rte_mempool* pool) {
  char name[RTE_RING_NAMESIZE];
  std::snprintf(name, sizeof name, "seen_%s", pool->name);
  pool->pool_data = rte_ring_create(name, rte_align32pow2(pool->size + 1), pool->socket_id, 0);
  return pool->pool_data == nullptr ? -rte_errno : 0;
}

UNSEEN void end(rte_mempool* pool) { rte_ring_free(ring_of(pool)); }

UNSEEN int give(rte_mempool* pool, void* const* buffers, unsigned n) {
  for (unsigned i = 0; i < n; ++i) __tsan_release(buffers[i]);
  return rte_ring_mp_enqueue_bulk(ring_of(pool), buffers, n, nullptr) == 0 ? -ENOBUFS : 0;
}

UNSEEN int take(rte_mempool* pool, void** buffers, unsigned n) {
  if (rte_ring_mc_dequeue_bulk(ring_of(pool), buffers, n, nullptr) == 0) return -ENOBUFS;
  for (unsigned i = 0; i < n; ++i) __tsan_acquire(buffers[i]);
  return 0;
}

UNSEEN unsigned count(const rte_mempool* pool) { return rte_ring_count(ring_of(pool)); }

// By the name of those that pools have unless they say others: the first of a name counts, and DPDK's come with its
// drivers, when EAL starts.
constexpr rte_mempool_ops kSeen{.name = "ring_mp_mc",
                                .alloc = begin,
                                .free = end,
                                .enqueue = give,
                                .dequeue = take,
                                .get_count = count,
                                .calc_mem_size = nullptr,
                                .populate = nullptr,
                                .get_info = nullptr,
                                .dequeue_contig_blocks = nullptr};
RTE_MEMPOOL_REGISTER_OPS(kSeen)

// Of the side that puts in, in the form of rte_ring_c11_pvt.h: a ring hands over by the end of what was put in.
UNSEEN void* end_of(void* ring) { return const_cast<std::uint32_t*>(&static_cast<rte_ring*>(ring)->prod.tail); }

UNSEEN std::uint16_t came(std::uint16_t, std::uint16_t, rte_mbuf**, std::uint16_t n, std::uint16_t, void* ring) {
  __tsan_acquire(end_of(ring));
  return n;
}

UNSEEN std::uint16_t goes(std::uint16_t, std::uint16_t, rte_mbuf**, std::uint16_t n, void* ring) {
  __tsan_release(end_of(ring));
  return n;
}

}  // namespace

// The tests' own side of these rings is seen.
void strata::test::let_tsan_see(std::uint16_t device, const std::string& name) {
  rte_ring* const rx = rte_ring_lookup((name + "_rx").c_str());
  rte_ring* const tx = rte_ring_lookup((name + "_tx").c_str());
  if (rx == nullptr || tx == nullptr || rte_eth_add_rx_callback(device, 0, came, rx) == nullptr ||
      rte_eth_add_tx_callback(device, 0, goes, tx) == nullptr) {
    std::fprintf(stderr, "seen.cpp: the rings of port %s are not to be shown to ThreadSanitizer\n", name.c_str());
    std::abort();
  }
}
