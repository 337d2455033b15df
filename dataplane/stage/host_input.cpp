#include "dataplane/stage/host_input.hpp"

namespace strata {

using stage::Host;

// RFC 4303 section 3.4.2: no valid SA is an auditable event, with SPI, time, addresses and sequence number; the numbers
// as far as esp, the ESP packet, shows them.
Done HostInputRest::refuse(Packet<Host> packet, Row<Host> row, wire::Bytes esp, HostInputEnds::cause_type cause) const {
  const auto ip = wire::Ipv4View::of_checked(std::as_const(packet).bytes());
  AuditEvent event{.cause = cause.value(), .from = row.from, .source = ip.source(), .destination = ip.destination()};
  if (esp.size() >= wire::kEspHeaderLength) {
    event.spi = wire::load_be32(esp.data());
    event.sequence = wire::load_be32(esp.data() + 4);
  }
  audit.note(event);
  return ends.end(std::move(packet), cause);
}

// RFC 3948 on a port of ESP's, where there is less than ESP's header. Section 2.3: one octet FF. Section 2.2: four
// octets of zero, where ESP would have its SPI, mean IKE.
Done HostInputRest::short_udp(Packet<Host> packet, Row<Host> row, wire::Bytes payload) const {
  if (payload.size() == 1 && payload[0] == 0xff) return ends.end(std::move(packet), Cause::esp_nat_keepalive);
  if (payload.size() >= 4 && wire::load_be32(payload.data()) == 0) return deliver(std::move(packet), row);
  return ends.end(std::move(packet), Cause::esp_truncated);
}

// No SA has SPI 0 (RFC 4303 section 2.1): in UDP it means IKE.
Done HostInputRest::no_sa(Packet<Host> packet, Row<Host> row, wire::Bytes payload, std::uint16_t udp_port) const {
  if (wire::load_be32(payload.data()) != 0) return refuse(std::move(packet), row, payload, Cause::esp_no_sa);
  if (udp_port != kPlain) return deliver(std::move(packet), row);
  return refuse(std::move(packet), row, payload, Cause::esp_spi_zero);
}

// The ICV of ESP vouches for a device's word that the header's sum is right; nothing does for all else.
Done HostInputRest::deliver(Packet<Host> packet, Row<Host> row) const {
  const auto ip = wire::Ipv4View::of_checked(std::as_const(packet).bytes());
  if (!wire::ipv4_header_sum_is_right(std::as_const(packet).bytes().data(), ip.header_length()))
    return ends.end(std::move(packet), Cause::ip4_bad_checksum);
  return Gate::local(std::move(packet), row, ip.total_length(), local);
}

// RFC 4303 section 3.4.1: a fragment is never given to ESP. Behind a fragment's offset stands no port to tell ESP by,
// so what is UDP counts as ESP there, where there is ESP in UDP at all.
Done HostInputRest::fragment(Packet<Host> packet, Row<Host> row) const {
  const auto ip = wire::Ipv4View::of_checked(std::as_const(packet).bytes());
  if (tables.reassembly.enabled)
    return Gate::fragment(std::move(packet), row, ip.total_length(), static_cast<wire::Ecn>(ip.ecn()), ip.protocol(),
                          fragments);
  const wire::Bytes payload = ip.payload();
  const bool first = ip.fragment_offset() == 0;
  if (ip.protocol() == wire::kProtocolEsp)
    return refuse(std::move(packet), row, first ? payload : wire::Bytes{}, Cause::esp_fragment);
  if (ip.protocol() == wire::kProtocolUdp && !tables.esp_ports.empty()) {
    if (!first) return refuse(std::move(packet), row, {}, Cause::esp_fragment);
    if (payload.size() >= wire::kUdpHeaderLength && tables.esp_ports.contains(wire::load_be16(&payload[2])))
      return refuse(std::move(packet), row, payload.subspan(wire::kUdpHeaderLength), Cause::esp_fragment);
  }
  return ends.end(std::move(packet), Cause::ip4_fragment);
}

void host_input(Burst<Host>& in, const Tables& tables, Audit& audit, Burst<stage::EspIn>& esp,
                Burst<stage::Fragment>& fragments, Burst<stage::Local>& local, HostInputEnds ends) {
  drain(in, HostInputStep({tables, audit, esp, fragments, local, ends}));
}

}  // namespace strata
