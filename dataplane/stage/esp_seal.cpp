#include "dataplane/stage/esp_seal.hpp"

#include <cstring>

#include "dataplane/wire/checksum.hpp"
#include "dataplane/wire/esp.hpp"
#include "dataplane/wire/ipv4.hpp"
#include "dataplane/wire/ipv6.hpp"
#include "dataplane/wire/srh.hpp"
#include "dataplane/wire/udp.hpp"

namespace strata {
namespace {

using stage::Sr6Out;
using stage::Unsealed;
using SealCause = EspSealEnds::cause_type;

//  | IPv4 20 | UDP 8, if any | SPI 4 | sequence 4 | IV 8 | IPv6 packet | 1, 2, 3, .. | P | 41 | ICV 16 |
//                            |<-------- AAD ----->|      |<------------- text ------------->|
std::size_t udp_of(const OutboundSa& sa) { return sa.tunnel.udp_destination != 0 ? wire::kUdpHeaderLength : 0; }
std::size_t front_of(const OutboundSa& sa) {
  return wire::kIpv4MinHeaderLength + udp_of(sa) + wire::kEspHeaderLength + kIvLength;
}

struct Layout {
  std::size_t udp;      // octets of the UDP header: 8 or 0
  std::size_t front;    // octets before the text
  std::size_t padding;  // RFC 4303 section 2.4: text in whole words of 4 octets
  std::size_t end() const { return padding + wire::kEspTrailerLength + kIcvLength; }
};

Layout layout_of(const OutboundSa& sa, std::size_t inner) {
  return {udp_of(sa), front_of(sa), (4 - (inner + wire::kEspTrailerLength) % 4) % 4};
}

// What the outer header takes from the packet inside.
struct Copied {
  std::uint8_t tos;
  bool dont_fragment;
};

// The IPv4 packet behind the IPv6 header and the SRH, if there is one: nothing else is what h_encaps makes.
bool inner_dont_fragment(const wire::Ipv6View& ip, wire::Bytes packet) {
  std::size_t at = wire::kIpv6HeaderLength;
  if (ip.next_header() == wire::kProtocolRouting) {
    const auto [srh, fault] = wire::SrhView::check(packet.subspan(at));
    if (fault != wire::SrhFault::none) __builtin_unreachable();
    at += srh.header_length();
  }
  const auto [inner, fault] = wire::Ipv4View::check(packet.subspan(at));
  if (fault != wire::Ipv4Fault::none) __builtin_unreachable();
  return inner.dont_fragment();
}

// RFC 4301 section 5.1.2.1: DSCP is copied unless the SA names one; RFC 6040 section 4.1: ECN always.
Copied copy_of(wire::Bytes packet, const TunnelHeader& tunnel) {
  const auto [ip, fault] = wire::Ipv6View::check(packet);
  if (fault != wire::Ipv6Fault::none) __builtin_unreachable();  // h_encaps has made it
  const auto dscp = tunnel.dscp.value_or(ip.dscp());
  return {.tos = static_cast<std::uint8_t>(dscp << 2 | ip.ecn()),
          .dont_fragment = tunnel.df == DfMode::copy ? inner_dont_fragment(ip, packet) : tunnel.df == DfMode::set};
}

// RFC 6864 section 4.1: where it must not be fragmented the ID says nothing.
std::uint16_t id_of(OutboundSa& sa, bool dont_fragment) {
  if (dont_fragment) return 0;
  sa.ip_id = static_cast<std::uint16_t>(sa.ip_id + sa.ip_id_step);
  return sa.ip_id;
}

// Added up from whole words as they are made: a sum that reads back halves of words which were just written waits for
// each of them to arrive in the cache.
void write_ipv4(std::uint8_t* header, OutboundSa& sa, const Copied& copied, std::size_t total) {
  const TunnelHeader& tunnel = sa.tunnel;
  const std::uint32_t dont_fragment = copied.dont_fragment ? 0x4000 : 0;
  const std::uint32_t protocol = tunnel.udp_destination != 0 ? wire::kProtocolUdp : wire::kProtocolEsp;
  const std::uint32_t length = 0x45U << 24 | std::uint32_t{copied.tos} << 16 | static_cast<std::uint16_t>(total);
  const std::uint32_t id = std::uint32_t{id_of(sa, copied.dont_fragment)} << 16 | dont_fragment;
  const std::uint32_t ttl = std::uint32_t{tunnel.ttl} << 24 | protocol << 16;
  const std::uint64_t sum = std::uint64_t{length} + id + ttl + tunnel.source.value + tunnel.destination.value;
  wire::store_be32(header, length);
  wire::store_be32(header + 4, id);
  wire::store_be32(header + 8, ttl | static_cast<std::uint16_t>(~wire::detail::fold(sum)));
  wire::store_be32(header + 12, tunnel.source.value);
  wire::store_be32(header + 16, tunnel.destination.value);
}

// RFC 3948 section 2.1: checksum 0.
void write_udp(std::uint8_t* header, const TunnelHeader& tunnel, std::size_t length) {
  wire::store_be16(header, tunnel.udp_source);
  wire::store_be16(header + 2, tunnel.udp_destination);
  wire::store_be16(header + 4, static_cast<std::uint16_t>(length));
  wire::store_be16(header + 6, 0);
}

void write_trailer(std::uint8_t* padding, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) padding[i] = static_cast<std::uint8_t>(i + 1);
  padding[count] = static_cast<std::uint8_t>(count);
  padding[count + 1] = wire::kProtocolIpv6;
}

// ESP header and IV. The sequence number is the IV (RFC 4106 section 3.1): of one key none comes twice.
void write_esp(std::uint8_t* esp, const OutboundSa& sa, std::uint64_t sequence) {
  wire::store_be32(esp, sa.spi);
  wire::store_be32(esp + 4, static_cast<std::uint32_t>(sequence));
  wire::store_be64(esp + wire::kEspHeaderLength, sequence);
}

// RFC 4106 section 5.
AeadBlock aad_of(const OutboundSa& sa, std::uint64_t sequence) {
  const std::uint32_t spi = __builtin_bswap32(sa.spi);
  if (sa.esn) return {spi, __builtin_bswap64(sequence)};
  return {spi, __builtin_bswap32(static_cast<std::uint32_t>(sequence))};
}

// All but the ICV, in clear. Returns the number that the packet has.
std::uint64_t lay_out(Packet<Sr6Out>& packet, OutboundSa& sa) {
  const std::span<std::uint8_t> inner = packet.bytes();
  const Layout layout = layout_of(sa, inner.size());
  const Copied copied = copy_of(inner, sa.tunnel);
  const std::span<std::uint8_t> whole = Gate::open_for_sealing(packet, layout.front, layout.end());
  const std::uint64_t sequence = sa.sequence + 1;
  sa.sequence = sequence;
  ++sa.packets;
  sa.octets += inner.size();

  write_ipv4(whole.data(), sa, copied, whole.size());
  if (layout.udp != 0)
    write_udp(whole.data() + wire::kIpv4MinHeaderLength, sa.tunnel, whole.size() - wire::kIpv4MinHeaderLength);
  write_esp(whole.data() + wire::kIpv4MinHeaderLength + layout.udp, sa, sequence);
  write_trailer(inner.data() + inner.size(), layout.padding);
  return sequence;
}

// Nothing: the cipher failed. The number is used up in either case.
std::optional<Sealed> seal(std::span<std::uint8_t> whole, const OutboundSa& sa, std::uint64_t sequence, Aead& aead) {
  const std::span<std::uint8_t> text = whole.subspan(front_of(sa), whole.size() - front_of(sa) - kIcvLength);
  const AeadBlock nonce(sa.key.salt(), __builtin_bswap64(sequence));
  const AeadBlock aad = aad_of(sa, sequence);
  return aead.seal({.key = &sa.key,
                    .data = text.data(),
                    .length = text.size(),
                    .nonce = nonce.octets,
                    .aad = aad.octets,
                    .aad_length = sa.esn ? 12U : 8U});
}

SealCause why_stopped(const OutboundSa& sa) {
  if (sa.sequence < sa.last) return SealCause(Cause::esp_not_reserved);
  if (sa.last < sa.last_number()) return SealCause(Cause::esp_expired);
  return SealCause(Cause::esp_seq_exhausted);
}

// Where a packet of this SA cannot go out it takes no number: a gap would look like loss to the peer.
std::optional<SealCause> refuse(const OutboundSa& sa, const AdjacencyTable& adjacencies) {
  if (sa.stopped()) [[unlikely]]
    return why_stopped(sa);
  if (AdjId<V4>(sa.adj).is_none()) [[unlikely]]
    return SealCause(Cause::ip4_no_route);
  if (!adjacencies[sa.adj].resolved) [[unlikely]]
    return SealCause(Cause::adj_unresolved);
  return std::nullopt;
}

}  // namespace

Done EspLayOutStep::input(Packet<Sr6Out> packet, const Row<Sr6Out>& row) const {
  OutboundSa& sa = sas[row.sa.index()];
  if (const auto refused = refuse(sa, adjacencies)) [[unlikely]]
    return ends.end(std::move(packet), *refused);
  const std::uint64_t sequence = lay_out(packet, sa);
  return Gate::laid_out(std::move(packet), row, sequence, out);
}

Done EspCipherStep::input(Packet<Unsealed> packet, const Row<Unsealed>& row) const {
  const OutboundSa& sa = sas[row.sa.index()];
  const std::optional<Sealed> proof = seal(packet.bytes(), sa, row.sequence, aead);
  if (!proof) [[unlikely]]
    return ends.end(std::move(packet), Cause::esp_seal_failed);
  const Adjacency& adj = adjacencies[sa.adj];
  return Gate::sealed(std::move(packet), row, *proof, adj.header, adj.port, out);
}

void EspCipherStep::ask(const Row<Unsealed>& row, std::span<const std::uint8_t> bytes) const {
  sas[row.sa.index()].key.prefetch(bytes.size());
}

void esp_seal(Burst<Sr6Out>& in, OutboundSaTable& sas, const AdjacencyTable& adjacencies, Aead& aead,
              Burst<stage::Out>& out, EspSealEnds ends) {
  Burst<Unsealed> unsealed;
  const EspLayOutStep lay_out{sas, adjacencies, unsealed, ends};
  in.drain_ahead(
      [&](Packet<Sr6Out> packet, const Row<Sr6Out>& row) -> Done { return lay_out.input(std::move(packet), row); },
      [&](const Row<Sr6Out>& row, std::span<const std::uint8_t>) {
        const OutboundSa& sa = sas[row.sa.index()];
        __builtin_prefetch(&sa);
        __builtin_prefetch(&sa.packets, 1);
      });
  drain_asking(unsealed, EspCipherStep{sas, adjacencies, aead, out, ends});
}

}  // namespace strata
