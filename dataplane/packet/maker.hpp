// Packets that begin here: ARP requests, fragments, and one buffer out of several.
#pragma once

#include <cstdint>
#include <span>

#include "dataplane/packet/ends.hpp"
#include "dataplane/packet/gate.hpp"
#include "dataplane/packet/pool.hpp"

namespace strata {

using FragmentEnds = EndsOf<Cause::ip4_fragmented, Cause::ip4_too_many_fragments, Cause::tx_no_buffer>;

class Maker {
 public:
  // pool: outlives the maker. What is made is never larger than its room.
  explicit Maker(const Pool& pool) : pool_(&pool) {}

  // A frame for a port. False: no buffer is left.
  bool frame(std::span<const std::uint8_t> bytes, PortId port, Burst<stage::Out>& out, Ends& ends) const;

  // RFC 791 section 3.2: the packet as fragments of at most its row's MTU, in the order of their offsets, each with the
  // packet's row. None where it ends: with more fragments than a burst has places, or no buffers. It is a whole,
  // checked IPv4 packet without DF.
  Done fragment(Packet<stage::Oversize>&& packet, const Row<stage::Oversize>& row, Burst<stage::Oversize>& pieces,
                FragmentEnds ends) const;

 private:
  friend class PortIo;
  friend class Reassembly;

  // The same octets in one buffer, with a driver's headroom before them; the chain is freed. nullptr: it does not fit,
  // or no buffer is left; the chain is as it was.
  rte_mbuf* flatten(rte_mbuf* chain) const;
  rte_mbuf* allocate() const;

  const Pool* pool_;
};

}  // namespace strata
