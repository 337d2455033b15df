// An outbound SA (RFC 4301 section 4.4.2) as the worker that owns it uses it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "dataplane/ipsec/aead.hpp"
#include "dataplane/ipsec/outer_header.hpp"
#include "dataplane/packet/id.hpp"
#include "dataplane/prefetch.hpp"
#include "dataplane/relaxed.hpp"
#include "dataplane/table/slots.hpp"

namespace strata {

struct alignas(64) OutboundSa {
  // The line that is read: what packets are made of.
  AeadKey key;
  OuterHeader outer;
  bool esn;
  Relaxed<AdjId<V4>> adj;  // towards the peer; none(): no route leads there

  // The line that changes as packets go: by the owning worker, limit and last by who counts numbers and ends lifetimes.

  // The last one sent; the first is 1 (RFC 4303 section 3.3.3). Whoever judges an ICMP error about this SA reads it
  // too.
  alignas(64) Relaxed<std::uint64_t> sequence = 0;
  // The last one that it may send now. Whoever keeps count of what was used beyond this process moves it on (RFC 8221
  // section 3); where nobody does, `last`.
  Relaxed<std::uint64_t> limit = 0;
  Relaxed<std::uint64_t> packets = 0;
  Relaxed<std::uint64_t> octets = 0;  // of the IPv6 packets sealed
  // The last one that it may ever send: the last there is, or less when its lifetime counts packets (RFC 4301 section
  // 4.4.2.1); 0: its lifetime is over.
  Relaxed<std::uint64_t> last = 0;
  // Where fragmentation is allowed each packet between two addresses needs an ID of its own (RFC 6864 section 4.3): SAs
  // that share these count in turns, each in steps.
  std::uint16_t ip_id = 0;
  std::uint16_t ip_id_step = 1;

  // RFC 4303 section 3.3.3: numbers never cycle.
  std::uint64_t last_number() const {
    return esn ? std::numeric_limits<std::uint64_t>::max() : std::numeric_limits<std::uint32_t>::max();
  }
  // Asks for both lines. Its holder's: a line that another worker writes is to stay there.
  void prefetch() const {
    prefetch_line(this);
    prefetch_line(&sequence);
  }
  // A number is never used twice, and with it no nonce.
  bool stopped() const { return sequence >= limit; }
};
static_assert(offsetof(OutboundSa, sequence) == 64 && sizeof(OutboundSa) == 128);

// One that nobody refers to any more: its key is wiped, and it counts from 0.
inline void retire(OutboundSa& sa) {
  sa.key = AeadKey::blank();
  sa.limit = sa.sequence;
  sa.packets = 0;
  sa.octets = 0;
}

using OutboundSaTable = Slots<OutboundSa>;

}  // namespace strata
