// Seals IPv6 packets with their outbound SA (RFC 4303 section 3.3, tunnel mode) and puts the outer headers before them.
#pragma once

#include <cstring>

#include "dataplane/ipsec/outbound_sa.hpp"
#include "dataplane/packet/ends.hpp"
#include "dataplane/packet/gate.hpp"
#include "dataplane/packet/straight.hpp"
#include "dataplane/table/adjacency.hpp"
#include "dataplane/wire/esp.hpp"
#include "dataplane/wire/ipv6.hpp"

namespace strata {

using EspSealEnds = EndsOf<Cause::esp_seq_exhausted, Cause::esp_not_reserved, Cause::esp_expired,
                           Cause::esp_seal_failed, Cause::ip4_no_route, Cause::adj_unresolved>;

namespace detail {

//  | IPv4 20 | UDP 8, if any | SPI 4 | sequence 4 | IV 8 | IPv6 packet | 1, 2, 3, .. | P | 41 | ICV 16 |
//                            |<-------- AAD ----->|      |<------------- text ------------->|
inline constexpr std::size_t kBehindSpi = 4 + kIvLength;  // sequence | IV
inline std::size_t front_of(const OutboundSa& sa) { return sa.outer.length() + kBehindSpi; }

// RFC 4303 section 2.4: the text is whole words of 4 octets.
inline std::size_t padding_of(std::size_t inner) { return (4 - (inner + wire::kEspTrailerLength) % 4) % 4; }

// By the octets of padding. What stands behind the trailer comes to lie under the ICV.
inline constexpr std::uint8_t kTrailers[4][8] = {{0, wire::kProtocolIpv6},
                                                 {1, 1, wire::kProtocolIpv6},
                                                 {1, 2, 2, wire::kProtocolIpv6},
                                                 {1, 2, 3, 3, wire::kProtocolIpv6}};
static_assert(sizeof kTrailers[0] <= kIcvLength + wire::kEspTrailerLength);

// RFC 4301 section 5.1.2.1: DSCP is copied unless the SA names one; RFC 6040 section 4.1: ECN always.
inline std::uint8_t tos_of(std::uint8_t traffic_class, const TunnelHeader& tunnel) {
  if (tunnel.dscp) [[unlikely]]
    return static_cast<std::uint8_t>(*tunnel.dscp << 2 | (traffic_class & 3));
  return traffic_class;
}

// The outer header of one that may be cut on its way, unless the packet inside forbids it.
void write_cuttable(OutboundSa& sa, wire::Bytes inner, std::span<std::uint8_t> whole, std::uint8_t tos);

// Takes the SA's next number, and counts a packet that it is for. inner: octets.
inline std::uint64_t next_number(OutboundSa& sa, std::size_t inner) {
  const std::uint64_t sequence = sa.sequence + 1;
  sa.sequence = sequence;
  ++sa.packets;
  sa.octets += inner;
  return sequence;
}

// What stands behind the IPv6 packet.
inline std::size_t end_of(std::size_t inner) { return padding_of(inner) + wire::kEspTrailerLength + kIcvLength; }

// Puts all but the ICV around an IPv6 packet, in clear. The sequence number is the IV (RFC 4106 section 3.1): of one
// key none comes twice. whole: front_of(sa) octets, inner, end_of(inner.size()) octets.
[[gnu::always_inline]] inline void lay_out(OutboundSa& sa, std::span<std::uint8_t> inner, std::span<std::uint8_t> whole,
                                           std::uint8_t traffic_class, std::uint64_t sequence) {
  const TunnelHeader& tunnel = sa.outer.tunnel();
  const std::size_t padding = padding_of(inner.size());
  const std::uint8_t tos = tos_of(traffic_class, tunnel);
  const auto total = static_cast<std::uint16_t>(whole.size());
  // RFC 6864 section 4.1: where it must not be fragmented the ID says nothing.
  if (tunnel.df == DfMode::set) [[likely]]
    sa.outer.write(whole.data(), {.tos = tos, .dont_fragment = true, .id = 0, .total = total});
  else
    write_cuttable(sa, inner, whole, tos);
  wire::store_be32(inner.data() - kBehindSpi, static_cast<std::uint32_t>(sequence));
  wire::store_be64(inner.data() - kIvLength, sequence);
  std::memcpy(inner.data() + inner.size(), kTrailers[padding], sizeof kTrailers[padding]);
}

inline bool has_way(const OutboundSa& sa, const AdjacencyTable& adjacencies) {
  const AdjId<V4> adj = sa.adj;
  return !adj.is_none() && adjacencies[adj].resolved;
}
// stopped: what sa.stopped() said; others may have lifted its limit since.
EspSealEnds::cause_type why_not(const OutboundSa& sa, bool stopped);

// RFC 4106 section 5.
inline AeadBlock aad_of(const OutboundSa& sa, std::uint64_t sequence) {
  const std::uint32_t spi = __builtin_bswap32(sa.outer.spi());
  if (sa.esn) return {spi, __builtin_bswap64(sequence)};
  return {spi, __builtin_bswap32(static_cast<std::uint32_t>(sequence))};
}

// Nothing: the cipher failed. The number is used up in either case.
inline std::optional<Sealed> seal(std::span<std::uint8_t> whole, const OutboundSa& sa, std::uint64_t sequence,
                                  Aead& aead) {
  const std::size_t front = front_of(sa);
  const AeadBlock nonce(sa.key.salt(), __builtin_bswap64(sequence));
  const AeadBlock aad = aad_of(sa, sequence);
  return aead.seal({.key = &sa.key,
                    .data = whole.data() + front,
                    .length = whole.size() - front - kIcvLength,
                    .nonce = nonce.octets,
                    .aad = aad.octets,
                    .aad_length = sa.esn ? 12U : 8U});
}

}  // namespace detail

// Lays packets out with all but what the cipher makes of them. To seal them all at once, afterwards, is faster than one
// by one: what was just written in small pieces the cipher reads as large ones, and each of these waits until the
// pieces have arrived in the cache.
struct EspLayOutStep {
  using stage_type = stage::Sr6Out;

  OutboundSaTable& sas;
  const AdjacencyTable& adjacencies;
  Burst<stage::Unsealed>& out;
  EspSealEnds ends;

  [[gnu::always_inline]] Done input(Packet<stage::Sr6Out> packet, const Row<stage::Sr6Out>& row) const {
    OutboundSa& sa = sas[row.sa.index()];
    // Where a packet of this SA cannot go out it takes no number: a gap would look like loss to the peer.
    const bool stopped = sa.stopped();
    if (stopped || !detail::has_way(sa, adjacencies)) [[unlikely]]
      return ends.end(std::move(packet), detail::why_not(sa, stopped));
    const std::span<std::uint8_t> inner = packet.bytes();
    const std::uint64_t sequence = detail::next_number(sa, inner.size());
    const auto ip = wire::Ipv6View::of_checked(inner);  // h_encaps has made it
    const std::span<std::uint8_t> whole =
        Gate::open_for_sealing(packet, detail::front_of(sa), detail::end_of(inner.size()));
    detail::lay_out(sa, inner, whole, ip.traffic_class(), sequence);
    return Gate::laid_out(std::move(packet), row, sequence, out);
  }
};

struct EspCipherStep {
  using stage_type = stage::Unsealed;

  OutboundSaTable& sas;
  const AdjacencyTable& adjacencies;
  Aead& aead;
  Burst<stage::Out>& out;
  EspSealEnds ends;

  Done input(Packet<stage::Unsealed> packet, const Row<stage::Unsealed>& row) const {
    const OutboundSa& sa = sas[row.sa.index()];
    const std::optional<Sealed> proof = detail::seal(packet.bytes(), sa, row.sequence, aead);
    if (!proof) [[unlikely]]
      return ends.end(std::move(packet), Cause::esp_seal_failed);
    const Adjacency& adj = adjacencies[sa.adj];
    return Gate::sealed(std::move(packet), row, *proof, adj.header, adj.port, out);
  }

  static OutSaId sa_of(const Row<stage::Unsealed>& row) { return row.sa; }
  // With thousands of SAs nothing of the next one's key is in a near cache.
  void ask(const Row<stage::Unsealed>& row, std::span<const std::uint8_t> bytes) const {
    const OutboundSa& sa = sas[row.sa.index()];
    sa.key.prefetch(bytes.size() - detail::front_of(sa) - kIcvLength);
  }
};

void esp_seal(Burst<stage::Sr6Out>& in, OutboundSaTable& sas, const AdjacencyTable& adjacencies, Aead& aead,
              Burst<stage::Out>& out, EspSealEnds ends);

}  // namespace strata
