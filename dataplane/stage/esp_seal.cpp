#include "dataplane/stage/esp_seal.hpp"

#include "dataplane/wire/ipv4.hpp"
#include "dataplane/wire/srh.hpp"

namespace strata {

using stage::Sr6Out;
using stage::Unsealed;

namespace {

// The IPv4 packet behind the IPv6 header and the SRH, if there is one: nothing else is what h_encaps makes.
bool inner_dont_fragment(wire::Bytes packet) {
  std::size_t at = wire::kIpv6HeaderLength;
  if (wire::Ipv6View::of_checked(packet).next_header() == wire::kProtocolRouting) {
    const auto [srh, fault] = wire::SrhView::check(packet.subspan(at));
    if (fault != wire::SrhFault::none) __builtin_unreachable();
    at += srh.header_length();
  }
  return wire::Ipv4View::of_checked(packet.subspan(at)).dont_fragment();
}

}  // namespace

namespace detail {

void write_cuttable(OutboundSa& sa, wire::Bytes inner, std::span<std::uint8_t> whole, std::uint8_t tos) {
  OuterHeader::Own own{.tos = tos, .dont_fragment = false, .id = 0, .total = static_cast<std::uint16_t>(whole.size())};
  if (sa.outer.tunnel().df == DfMode::copy && inner_dont_fragment(inner)) {
    own.dont_fragment = true;
  } else {
    sa.ip_id = static_cast<std::uint16_t>(sa.ip_id + sa.ip_id_step);
    own.id = sa.ip_id;
  }
  sa.outer.write(whole.data(), own);
}

EspSealEnds::cause_type why_not(const OutboundSa& sa, bool stopped) {
  using Why = EspSealEnds::cause_type;
  if (!stopped) return AdjId<V4>(sa.adj).is_none() ? Why(Cause::ip4_no_route) : Why(Cause::adj_unresolved);
  if (sa.sequence < sa.last) return Why(Cause::esp_not_reserved);
  if (sa.last < sa.last_number()) return Why(Cause::esp_expired);
  return Why(Cause::esp_seq_exhausted);
}

}  // namespace detail

void esp_seal(Burst<Sr6Out>& in, OutboundSaTable& sas, const AdjacencyTable& adjacencies, Aead& aead,
              Burst<stage::Out>& out, EspSealEnds ends) {
  Burst<Unsealed> unsealed;
  const EspLayOutStep lay_out{sas, adjacencies, unsealed, ends};
  in.drain_ahead(
      [&](Packet<Sr6Out> packet, const Row<Sr6Out>& row) -> Done { return lay_out.input(std::move(packet), row); },
      [&](const Row<Sr6Out>& row, std::span<const std::uint8_t>) { sas[row.sa.index()].prefetch(); });
  drain_asking(unsealed, EspCipherStep{sas, adjacencies, aead, out, ends});
}

}  // namespace strata
