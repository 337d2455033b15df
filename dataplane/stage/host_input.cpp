#include "dataplane/stage/host_input.hpp"

#include "dataplane/stage/ip4_rules.hpp"
#include "dataplane/wire/esp.hpp"
#include "dataplane/wire/ipv4.hpp"
#include "dataplane/wire/udp.hpp"

namespace strata {
namespace {

using stage::EspIn;
using stage::Host;

constexpr std::uint16_t kPlain = 0;  // SpiEntry::udp_port of an SA that is not encapsulated

struct HostInput {
  const Tables& tables;
  Audit& audit;
  Burst<EspIn>& out;
  Burst<stage::Fragment>& fragments;
  Burst<stage::Local>& local;
  HostInputEnds ends;

  Done input(Packet<Host> packet, const Row<Host>& row) const;
  Done udp(Packet<Host> packet, const Row<Host>& row, const wire::Ipv4View& ip) const;
  Done esp(Packet<Host> packet, const Row<Host>& row, const wire::Ipv4View& ip, wire::Bytes payload,
           std::uint16_t udp_port) const;
  // Apart from the way of ESP.
  [[gnu::noinline]] Done fragment(Packet<Host> packet, const Row<Host>& row, const wire::Ipv4View& ip) const;
  [[gnu::noinline]] Done deliver(Packet<Host> packet, const Row<Host>& row, const wire::Ipv4View& ip) const;
  [[gnu::noinline]] Done refuse(Packet<Host> packet, const Row<Host>& row, const wire::Ipv4View& ip, wire::Bytes esp,
                                HostInputEnds::cause_type cause) const;
};

// RFC 4303 section 3.4.2: no valid SA is an auditable event, with SPI, time, addresses and sequence number; the numbers
// as far as esp, the ESP packet, shows them.
Done HostInput::refuse(Packet<Host> packet, const Row<Host>& row, const wire::Ipv4View& ip, wire::Bytes esp,
                       HostInputEnds::cause_type cause) const {
  AuditEvent event{.cause = cause.value(), .from = row.from, .source = ip.source(), .destination = ip.destination()};
  if (esp.size() >= wire::kEspHeaderLength) {
    event.spi = wire::load_be32(esp.data());
    event.sequence = wire::load_be32(esp.data() + 4);
  }
  audit.note(event);
  return ends.end(std::move(packet), cause);
}

[[gnu::always_inline]] inline Done HostInput::esp(Packet<Host> packet, const Row<Host>& row, const wire::Ipv4View& ip,
                                                  wire::Bytes payload, std::uint16_t udp_port) const {
  const auto [esp, fault] = wire::EspView::check(payload);
  if (fault != wire::EspFault::none) [[unlikely]]
    return ends.end(std::move(packet), Cause::esp_truncated);
  const std::uint32_t spi = esp.spi();
  if (spi == 0) [[unlikely]]
    return refuse(std::move(packet), row, ip, payload, Cause::esp_spi_zero);
  const SpiEntry* entry = tables.spis.find({spi, ip.destination()});
  if (entry == nullptr) [[unlikely]]
    return refuse(std::move(packet), row, ip, payload, Cause::esp_no_sa);
  if (entry->udp_port != udp_port) [[unlikely]]
    return refuse(std::move(packet), row, ip, payload, Cause::esp_encap_mismatch);
  const InboundSa& sa = tables.sas[entry->sa.index()];
  __builtin_prefetch(&sa);
  __builtin_prefetch(&sa.selectors);
  const auto offset = static_cast<std::size_t>(payload.data() - std::as_const(packet).bytes().data());
  const wire::Ipv4Address source = ip.source();
  const auto ecn = static_cast<wire::Ecn>(ip.ecn());
  return Gate::esp(std::move(packet), row, {offset, payload.size()}, entry->sa, source, ecn, out);
}

// RFC 3948 section 2: on a port that some SA is reached at.
Done HostInput::udp(Packet<Host> packet, const Row<Host>& row, const wire::Ipv4View& ip) const {
  const auto [udp, fault] = wire::UdpView::check(ip.payload());
  if (fault != wire::UdpFault::none) [[unlikely]]
    return ends.end(std::move(packet), Cause::udp_bad_length);
  const std::uint16_t port = udp.destination_port();
  if (!tables.esp_ports.contains(port)) [[unlikely]]
    return deliver(std::move(packet), row, ip);
  const wire::Bytes payload = udp.payload();
  // Section 2.3: one octet FF. Section 2.2: four octets of zero, where ESP would have its SPI, mean IKE.
  if (payload.size() == 1 && payload[0] == 0xff) [[unlikely]]
    return ends.end(std::move(packet), Cause::esp_nat_keepalive);
  if (payload.size() >= 4 && wire::load_be32(payload.data()) == 0) [[unlikely]]
    return deliver(std::move(packet), row, ip);
  return esp(std::move(packet), row, ip, payload, port);
}

// The ICV of ESP vouches for a device's word that the header's sum is right; nothing does for all else.
Done HostInput::deliver(Packet<Host> packet, const Row<Host>& row, const wire::Ipv4View& ip) const {
  if (!wire::ipv4_header_sum_is_right(std::as_const(packet).bytes().data(), ip.header_length()))
    return ends.end(std::move(packet), Cause::ip4_bad_checksum);
  return Gate::local(std::move(packet), row, ip.total_length(), local);
}

// RFC 4303 section 3.4.1: a fragment is never given to ESP. Behind a fragment's offset stands no port to tell ESP by,
// so what is UDP counts as ESP there, where there is ESP in UDP at all.
Done HostInput::fragment(Packet<Host> packet, const Row<Host>& row, const wire::Ipv4View& ip) const {
  if (tables.reassembly.enabled)
    return Gate::fragment(std::move(packet), row, ip.total_length(), static_cast<wire::Ecn>(ip.ecn()), ip.protocol(),
                          fragments);
  const wire::Bytes payload = ip.payload();
  const bool first = ip.fragment_offset() == 0;
  if (ip.protocol() == wire::kProtocolEsp)
    return refuse(std::move(packet), row, ip, first ? payload : wire::Bytes{}, Cause::esp_fragment);
  if (ip.protocol() == wire::kProtocolUdp && !tables.esp_ports.empty()) {
    if (!first) return refuse(std::move(packet), row, ip, {}, Cause::esp_fragment);
    if (payload.size() >= wire::kUdpHeaderLength && tables.esp_ports.contains(wire::load_be16(&payload[2])))
      return refuse(std::move(packet), row, ip, payload.subspan(wire::kUdpHeaderLength), Cause::esp_fragment);
  }
  return ends.end(std::move(packet), Cause::ip4_fragment);
}

Done HostInput::input(Packet<Host> packet, const Row<Host>& row) const {
  const auto [ip, fault] = wire::Ipv4View::check(std::as_const(packet).bytes(), row.sum);
  if (fault != wire::Ipv4Fault::none) [[unlikely]]
    return ends.end(std::move(packet), cause_of<HostInputEnds::cause_type>(fault));
  if (is_martian_source(ip.source(), tables.own4)) [[unlikely]]
    return ends.end(std::move(packet), Cause::ip4_martian_source);
  if (ip.is_fragment()) [[unlikely]]
    return fragment(std::move(packet), row, ip);
  switch (ip.protocol()) {
    [[likely]] case wire::kProtocolUdp : return udp(std::move(packet), row, ip);
    case wire::kProtocolEsp: return esp(std::move(packet), row, ip, ip.payload(), kPlain);
    default: return deliver(std::move(packet), row, ip);
  }
}

}  // namespace

void host_input(Burst<Host>& in, const Tables& tables, Audit& audit, Burst<EspIn>& esp,
                Burst<stage::Fragment>& fragments, Burst<stage::Local>& local, HostInputEnds ends) {
  const HostInput stage{tables, audit, esp, fragments, local, ends};
  in.drain([&](Packet<Host> packet, const Row<Host>& row) -> Done { return stage.input(std::move(packet), row); });
}

}  // namespace strata
