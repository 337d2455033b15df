// IPv4 packets to an address of ours: ESP goes to its SA, fragments wait for the others, the rest is for the host.
#pragma once

#include "dataplane/ipsec/audit.hpp"
#include "dataplane/packet/ends.hpp"
#include "dataplane/packet/gate.hpp"
#include "dataplane/packet/straight.hpp"
#include "dataplane/stage/ip4_rules.hpp"
#include "dataplane/table/tables.hpp"
#include "dataplane/wire/esp.hpp"
#include "dataplane/wire/ipv4.hpp"
#include "dataplane/wire/udp.hpp"

namespace strata {

using HostInputEnds =
    EndsOf<Cause::ip4_truncated, Cause::ip4_bad_version, Cause::ip4_bad_header_length, Cause::ip4_bad_length,
           Cause::ip4_bad_checksum, Cause::ip4_martian_source, Cause::ip4_fragment, Cause::udp_bad_length,
           Cause::esp_fragment, Cause::esp_truncated, Cause::esp_spi_zero, Cause::esp_no_sa, Cause::esp_encap_mismatch,
           Cause::esp_expired, Cause::esp_nat_keepalive>;

struct HostInputRest {
  const Tables& tables;
  Audit& audit;
  Burst<stage::EspIn>& out;
  Burst<stage::Fragment>& fragments;
  Burst<stage::Local>& local;
  HostInputEnds ends;

  static constexpr std::uint16_t kPlain = 0;  // SpiEntry::udp_port of an SA that is not encapsulated

  static HostInputEnds::cause_type why_not(const SpiEntry& entry) {
    if (entry.udp_port == SpiEntry::kExpired) return Cause::esp_expired;
    return Cause::esp_encap_mismatch;
  }

  // Apart from the way of ESP. Of packets that Ipv4View::check has found right.
  [[gnu::noinline]] Done fragment(Packet<stage::Host> packet, Row<stage::Host> row) const;
  [[gnu::noinline]] Done deliver(Packet<stage::Host> packet, Row<stage::Host> row) const;
  [[gnu::noinline]] Done short_udp(Packet<stage::Host> packet, Row<stage::Host> row, wire::Bytes payload) const;
  [[gnu::noinline]] Done no_sa(Packet<stage::Host> packet, Row<stage::Host> row, wire::Bytes payload,
                               std::uint16_t udp_port) const;
  [[gnu::noinline]] Done refuse(Packet<stage::Host> packet, Row<stage::Host> row, wire::Bytes esp,
                                HostInputEnds::cause_type cause) const;
};

struct HostInputStep : HostInputRest {
  using stage_type = stage::Host;

  explicit HostInputStep(const HostInputRest& rest) : HostInputRest(rest) {}

  [[gnu::always_inline]] Done input(Packet<stage::Host> packet, const Row<stage::Host>& row) const {
    const auto [ip, fault] = wire::Ipv4View::check(std::as_const(packet).bytes(), row.sum);
    if (fault != wire::Ipv4Fault::none) [[unlikely]]
      return ends.end(std::move(packet), cause_of<HostInputEnds::cause_type>(fault));
    if (is_martian_source(ip.source(), sources_.find(ip.source()))) [[unlikely]]
      return ends.end(std::move(packet), Cause::ip4_martian_source);
    if (ip.is_fragment()) [[unlikely]]
      return fragment(std::move(packet), row);
    switch (ip.protocol()) {
      [[likely]] case wire::kProtocolUdp : return udp(std::move(packet), row, ip);
      case wire::kProtocolEsp: return plain_esp(std::move(packet), row, ip);
      default: return deliver(std::move(packet), row);
    }
  }

 private:
  // RFC 3948 section 2: on a port that some SA is reached at.
  Done udp(Packet<stage::Host> packet, const Row<stage::Host>& row, const wire::Ipv4View& ip) const {
    const auto [udp, fault] = wire::UdpView::check(ip.payload());
    if (fault != wire::UdpFault::none) [[unlikely]]
      return ends.end(std::move(packet), Cause::udp_bad_length);
    const std::uint16_t port = udp.destination_port();
    if (!tables.esp_ports.contains(port)) [[unlikely]]
      return deliver(std::move(packet), row);
    const wire::Bytes payload = udp.payload();
    if (payload.size() < wire::kEspHeaderLength) [[unlikely]]
      return short_udp(std::move(packet), row, payload);
    return esp(std::move(packet), row, ip, payload, port);
  }

  Done plain_esp(Packet<stage::Host> packet, const Row<stage::Host>& row, const wire::Ipv4View& ip) const {
    const wire::Bytes payload = ip.payload();
    if (payload.size() < wire::kEspHeaderLength) [[unlikely]]
      return ends.end(std::move(packet), Cause::esp_truncated);
    return esp(std::move(packet), row, ip, payload, kPlain);
  }

  // payload: an ESP header at the least.
  Done esp(Packet<stage::Host> packet, const Row<stage::Host>& row, const wire::Ipv4View& ip, wire::Bytes payload,
           std::uint16_t udp_port) const {
    const SpiEntry* entry = spis_.find({wire::load_be32(payload.data()), ip.destination()});
    if (entry == nullptr) [[unlikely]]
      return no_sa(std::move(packet), row, payload, udp_port);
    if (entry->udp_port != udp_port) [[unlikely]]
      return refuse(std::move(packet), row, payload, why_not(*entry));
    const wire::Bytes whole = std::as_const(packet).bytes();
    const auto offset = static_cast<std::size_t>(payload.data() - whole.data());
    return Gate::esp(std::move(packet), row, {offset, payload.size()}, entry->sa, ip.source(),
                     static_cast<wire::Ecn>(ip.ecn()), out);
  }

  mutable LastFound<wire::Ipv4Address, OwnAddress> sources_{tables.own4};
  mutable LastFound<SpiKey, SpiEntry> spis_{tables.spis};
};

void host_input(Burst<stage::Host>& in, const Tables& tables, Audit& audit, Burst<stage::EspIn>& esp,
                Burst<stage::Fragment>& fragments, Burst<stage::Local>& local, HostInputEnds ends);

}  // namespace strata
