// What the tests look up and spoil in DPDK's buffers: the one place outside dataplane/packet/ that names mbuf fields.
#pragma once

#include <rte_mbuf.h>
#include <rte_ring.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

namespace strata::test {

// What the first line of an mbuf says about the packet in it. A buffer goes through the journey as it is, so the
// address that RingPort::feed answers with is good until the packet's end.
struct MbufFields {
  std::uint64_t flags;
  std::uint16_t port;
  std::uint32_t type;
  std::uint16_t vlan;
  std::uint16_t outer_vlan;
  std::uint64_t hash;
  std::uint32_t length;
  std::uint16_t segment_length;
  std::uint16_t segments;
};

inline constexpr std::uint64_t kOwnershipFlags = RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;

inline MbufFields fields_of(const void* buffer) {
  const auto* mbuf = static_cast<const rte_mbuf*>(buffer);
  MbufFields fields{.flags = mbuf->ol_flags,
                    .port = mbuf->port,
                    .type = mbuf->packet_type,
                    .vlan = mbuf->vlan_tci,
                    .outer_vlan = mbuf->vlan_tci_outer,
                    .hash = 0,
                    .length = mbuf->pkt_len,
                    .segment_length = mbuf->data_len,
                    .segments = mbuf->nb_segs};
  static_assert(sizeof mbuf->hash == sizeof fields.hash);
  std::memcpy(&fields.hash, &mbuf->hash, sizeof fields.hash);
  return fields;
}

// Whether a packet ends before its buffer does: what lies behind is another buffer's.
inline bool is_within_its_buffer(const void* buffer) {
  const auto* mbuf = static_cast<const rte_mbuf*>(buffer);
  return mbuf->data_off + mbuf->data_len <= mbuf->buf_len;
}

// Writes `byte` over all that a driver or a layer may have said of the packet; the flags of ownership, too, so that a
// transition is seen to keep them. Before the packet's end own_again() has to put those right.
inline void soil(const void* buffer, std::uint8_t byte) {
  auto* mbuf = static_cast<rte_mbuf*>(const_cast<void*>(buffer));
  std::memset(&mbuf->ol_flags, byte, sizeof mbuf->ol_flags);
  std::memset(&mbuf->port, byte, sizeof mbuf->port);
  std::memset(&mbuf->packet_type, byte, sizeof mbuf->packet_type);
  std::memset(&mbuf->vlan_tci, byte, sizeof mbuf->vlan_tci);
  std::memset(&mbuf->vlan_tci_outer, byte, sizeof mbuf->vlan_tci_outer);
  std::memset(&mbuf->hash, byte, sizeof mbuf->hash);
  std::memset(&mbuf->tx_offload, byte, sizeof mbuf->tx_offload);
}

inline constexpr std::uint16_t kNoPort = RTE_MBUF_PORT_INVALID;

inline void own_again(const void* buffer) {
  static_cast<rte_mbuf*>(const_cast<void*>(buffer))->ol_flags &= ~kOwnershipFlags;
}

// As one that shows another buffer's octets; to be made its own again before it is given back.
inline void make_cloned(const void* buffer) {
  static_cast<rte_mbuf*>(const_cast<void*>(buffer))->ol_flags |= RTE_MBUF_F_INDIRECT;
}

// One owner more, so that a test may hold a buffer that the code under test has ended.
inline void share(const void* buffer) {
  rte_pktmbuf_refcnt_update(static_cast<rte_mbuf*>(const_cast<void*>(buffer)), 1);
}

inline void unshare(const void* buffer) { rte_pktmbuf_free(static_cast<rte_mbuf*>(const_cast<void*>(buffer))); }

// Buffers that come into being by none of the dataplane's ways: of several segments, or with a spoilt private area.
class RawBuffers {
 public:
  explicit RawBuffers(const std::string& name, std::uint16_t private_size)
      : pool_(rte_pktmbuf_pool_create(name.c_str(), 63, 0, private_size, 2048 + RTE_PKTMBUF_HEADROOM, 0)) {
    if (pool_ == nullptr) std::abort();
  }

  // octets: of packet, all zero.
  void* make(std::uint16_t octets) {
    rte_mbuf* mbuf = rte_pktmbuf_alloc(pool_.get());
    if (mbuf == nullptr) std::abort();
    std::memset(rte_pktmbuf_append(mbuf, octets), 0, octets);
    return mbuf;
  }
  void* make_with_private_area(std::uint8_t byte) {
    void* buffer = make(0);
    std::memset(rte_mbuf_to_priv(static_cast<rte_mbuf*>(buffer)), byte, rte_pktmbuf_priv_size(pool_.get()));
    return buffer;
  }
  void* make_of_two_segments(std::uint16_t octets) {
    auto* head = static_cast<rte_mbuf*>(make(octets));
    if (rte_pktmbuf_chain(head, static_cast<rte_mbuf*>(make(octets))) != 0) std::abort();
    return head;
  }
  // ends: of the segments but the last, each at most 2048 octets behind the one before.
  void* make_of_segments(std::span<const std::uint8_t> frame, std::vector<std::size_t> ends) {
    ends.push_back(frame.size());
    rte_mbuf* head = nullptr;
    std::size_t from = 0;
    for (const std::size_t end : ends) {
      auto* part = static_cast<rte_mbuf*>(make(static_cast<std::uint16_t>(end - from)));
      std::copy(frame.begin() + static_cast<std::ptrdiff_t>(from), frame.begin() + static_cast<std::ptrdiff_t>(end),
                rte_pktmbuf_mtod(part, std::uint8_t*));
      if (head != nullptr && rte_pktmbuf_chain(head, part) != 0) std::abort();
      if (head == nullptr) head = part;
      from = end;
    }
    return head;
  }
  // Another buffer with the same memory.
  void* make_clone_of(void* buffer) {
    rte_mbuf* clone = rte_pktmbuf_clone(static_cast<rte_mbuf*>(buffer), pool_.get());
    if (clone == nullptr) std::abort();
    return clone;
  }

  unsigned in_use() const { return rte_mempool_in_use_count(pool_.get()); }

 private:
  struct Free {
    void operator()(rte_mempool* pool) const { rte_mempool_free(pool); }
  };
  std::unique_ptr<rte_mempool, Free> pool_;
};

// What a chain of buffers holds.
inline Octets octets_of_chain(const void* buffer) {
  Octets octets;
  for (const auto* part = static_cast<const rte_mbuf*>(buffer); part != nullptr; part = part->next) {
    const auto* data = rte_pktmbuf_mtod(part, const std::uint8_t*);
    octets.insert(octets.end(), data, data + part->data_len);
  }
  return octets;
}

}  // namespace strata::test
