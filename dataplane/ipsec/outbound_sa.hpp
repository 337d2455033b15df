// An outbound SA (RFC 4301 section 4.4.2) as the worker that owns it uses it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>

#include "dataplane/ipsec/aead.hpp"
#include "dataplane/packet/id.hpp"
#include "dataplane/relaxed.hpp"
#include "dataplane/table/slots.hpp"
#include "dataplane/wire/address.hpp"

namespace strata {

// RFC 4301 section 5.1.2.1. copy: as in the IPv4 packet inside, since the IPv6 header between has no such bit.
enum class DfMode : std::uint8_t { set, clear, copy };

// What the outer header says that is not copied from the packet inside (RFC 4301 section 5.1.2.1).
struct TunnelHeader {
  wire::Ipv4Address source;
  wire::Ipv4Address destination;
  std::uint16_t udp_source = 0;  // 0: plain ESP, protocol 50
  std::uint16_t udp_destination = 0;
  std::uint8_t ttl = 64;
  std::optional<std::uint8_t> dscp;  // nothing: the inner packet's (RFC 2983, uniform)
  DfMode df = DfMode::set;
};

struct alignas(64) OutboundSa {
  AeadKey key;
  std::uint32_t spi;
  bool esn;
  Relaxed<AdjId<V4>> adj;  // towards the peer; none(): no route leads there
  TunnelHeader tunnel;
  // The last one sent; the first is 1 (RFC 4303 section 3.3.3). Whoever judges an ICMP error about this SA reads it
  // too.
  Relaxed<std::uint64_t> sequence = 0;
  // The last one that it may send now. Whoever keeps count of what was used beyond this process moves it on (RFC 8221
  // section 3); where nobody does, `last`.
  Relaxed<std::uint64_t> limit = 0;
  Relaxed<std::uint64_t> packets = 0;
  Relaxed<std::uint64_t> octets = 0;  // of the IPv6 packets sealed
  // Where fragmentation is allowed each packet between two addresses needs an ID of its own (RFC 6864 section 4.3): SAs
  // that share these count in turns, each in steps.
  std::uint16_t ip_id = 0;
  std::uint16_t ip_id_step = 1;

  // The last one that it may ever send: the last there is, or less when its lifetime counts packets (RFC 4301 section
  // 4.4.2.1); 0: its lifetime is over.
  Relaxed<std::uint64_t> last = 0;

  // RFC 4303 section 3.3.3: numbers never cycle.
  std::uint64_t last_number() const {
    return esn ? std::numeric_limits<std::uint64_t>::max() : std::numeric_limits<std::uint32_t>::max();
  }
  // A number is never used twice, and with it no nonce.
  bool stopped() const { return sequence >= limit; }
};
static_assert(offsetof(OutboundSa, limit) + sizeof(std::uint64_t) == 64);  // what each packet asks for is one line

// One that nobody refers to any more: its key is wiped, and it counts from 0.
inline void retire(OutboundSa& sa) {
  sa.key = AeadKey::blank();
  sa.limit = sa.sequence;
  sa.packets = 0;
  sa.octets = 0;
}

using OutboundSaTable = Slots<OutboundSa>;

}  // namespace strata
