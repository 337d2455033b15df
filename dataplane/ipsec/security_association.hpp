// An inbound SA (RFC 4301 section 4.4.2) as the worker that owns it uses it.
#pragma once

#include <emmintrin.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "dataplane/ipsec/aead.hpp"
#include "dataplane/ipsec/authentic.hpp"
#include "dataplane/ipsec/replay_window.hpp"
#include "dataplane/packet/id.hpp"
#include "dataplane/prefetch.hpp"
#include "dataplane/relaxed.hpp"
#include "dataplane/table/flat_hash.hpp"
#include "dataplane/table/slots.hpp"
#include "dataplane/wire/bytes.hpp"

namespace strata {

// RFC 4301 section 4.4.1.1, as masks: a packet matches when (address & mask) == network for both its addresses.
struct alignas(64) Ipv6Selectors {
  struct Half {
    std::uint64_t high;
    std::uint64_t low;
  };
  Half source;
  Half source_mask;
  Half destination;
  Half destination_mask;

  // source, destination: 16 octets each, as on the wire.
  bool match(const std::uint8_t* source_bytes, const std::uint8_t* destination_bytes) const {
    const Half s = load(source_bytes);
    const Half d = load(destination_bytes);
    return (((s.high & source_mask.high) ^ source.high) | ((s.low & source_mask.low) ^ source.low) |
            ((d.high & destination_mask.high) ^ destination.high) |
            ((d.low & destination_mask.low) ^ destination.low)) == 0;
  }

  static Half load(const std::uint8_t* p) {
    Half h;
    std::memcpy(&h, p, sizeof h);
    return h;
  }
  static Ipv6Selectors of(const wire::Ipv6Prefix& source, const wire::Ipv6Prefix& destination) {
    return {load(wire::network_of(source).address.octets.data()), load(wire::mask_of(source).octets.data()),
            load(wire::network_of(destination).address.octets.data()), load(wire::mask_of(destination).octets.data())};
  }
};
static_assert(sizeof(Ipv6Selectors) == 64);

inline constexpr int kAnyProtocol = -1;

// The SID that the last packet out of an SA came to: also that of those behind it with the same addresses, for as long
// as the tables stay. Of many SAs the next packet is another one's; of one SA mostly the same tunnel's.
//
// It stands for what was judged then: that the SA's selectors take these addresses (RFC 4301 section 5.2 step 4), that
// they are no martians, which SID it is, and where that leads. So it ends with whatever decides that: tables that take
// the place of others have another number, and a change of the SA itself forgets it. Its holder alone reads and writes
// it.
class LastSid {
 public:
  // addresses: 32 octets, the packet's source and destination. tables: Tables::number of those that it was found in.
  // cross_connect: of that SID, where it is an End.DX4: its own line is not looked at.
  void note(const std::uint8_t* addresses, std::uint64_t tables, SidId sid, AdjId<V4> cross_connect) {
    std::memcpy(addresses_.data(), addresses, addresses_.size());
    tables_ = tables;
    let_in_ = LetIn(sid, cross_connect);
  }

  // in: 32 octets, as above. in_force: Tables::number. nullptr: they are others, or were found in other tables, or the
  // SA is for one protocol, which each packet has to show.
  const LetIn* recall(const std::uint8_t* in, std::uint64_t in_force) const {
    const auto load = [](const std::uint8_t* from) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from)); };
    const std::uint8_t* then = addresses_.data();
    const __m128i same =
        _mm_and_si128(_mm_cmpeq_epi8(load(in), load(then)), _mm_cmpeq_epi8(load(in + 16), load(then + 16)));
    if (tables_ != in_force || _mm_movemask_epi8(same) != 0xffff) return nullptr;
    return &let_in_;
  }

  SidId sid() const { return let_in_.sid(); }  // none(): there is none

 private:
  std::array<std::uint8_t, 32> addresses_{};
  std::uint64_t tables_ = 0;  // that there are none of: nothing is known
  LetIn let_in_{SidId::none(), AdjId<V4>::none()};
};

struct alignas(64) InboundSa {
  // Asks for the two lines that a packet of it needs. Its holder's: lines that another worker writes are to stay there.
  void prefetch() const {
    prefetch_line(this);
    prefetch_line(&last_sid);
  }

  // The line that opening looks at and writes; one writer, the owning worker.
  [[no_unique_address]] AeadKey key;
  bool esn;
  std::int16_t protocol;  // of the selectors; kAnyProtocol
  ReplayWindow window;
  Relaxed<std::uint64_t> packets = 0;  // opened and passed on
  Relaxed<std::uint64_t> octets = 0;   // of the IPv6 packets in them

  // The line that the packet inside is held against, where the one before it was another one.
  Ipv6Selectors selectors;

  LastSid last_sid{};
  // What is told when something is wrong.
  std::uint32_t spi;
  wire::Ipv4Address destination;
};
static_assert(offsetof(InboundSa, selectors) == 64 && offsetof(InboundSa, last_sid) == 128 && sizeof(InboundSa) == 192);

// One that nobody refers to any more: its key is wiped, and it counts from 0.
inline void retire(InboundSa& sa) {
  sa.key = AeadKey::blank();
  sa.packets = 0;
  sa.octets = 0;
}

using SaTable = Slots<InboundSa>;

// RFC 4303 section 2.1, RFC 4301 section 4.1: an SA is found by its SPI and the address it ends at. The sender's
// address and port are not part of it, as NAT may change both.
struct SpiKey {
  std::uint32_t spi = 0;
  wire::Ipv4Address destination;
  bool operator==(const SpiKey&) const = default;
};

struct SpiEntry {
  // In the place of a port: IKE's own, to which no ESP comes (RFC 3948 section 2.2). So an SA whose lifetime is over is
  // told by the comparison that each packet is put to in any case.
  static constexpr std::uint16_t kExpired = 500;

  SaId sa = SaId::none();
  Relaxed<std::uint16_t> udp_port = 0;  // the port its packets come to; 0: they come as plain ESP, protocol 50
};

using SpiTable = FlatHash<SpiKey, SpiEntry>;
static_assert(SpiTable::kSlotSize == 16);

}  // namespace strata
