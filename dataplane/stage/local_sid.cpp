#include "dataplane/stage/local_sid.hpp"

#include "dataplane/wire/icmpv6.hpp"

namespace strata {

using stage::Ip6;
using SidCause = LocalSidEnds::cause_type;

// RFC 4301 section 4.4.1.1: the protocol is that of the upper layer, behind all extension headers.
bool LocalSidRest::has_protocol(const InboundSa& sa, wire::Bytes packet) {
  const wire::Ipv6Chain chain = wire::walk_extension_headers(packet);
  if (chain.fault != wire::ChainFault::none) return false;
  // Behind an SRH with segments left the upper layer is not for us to see; no behaviour that we have takes such a
  // packet.
  return chain.segments_left != 0 || chain.upper_layer == sa.protocol;
}

SidCause LocalSidRest::cause_of(wire::Ipv6Fault fault, bool opened) {
  if (fault == wire::Ipv6Fault::bad_version) return Cause::sr6_bad_version;
  if (opened) return Cause::esp_inner_truncated;
  return Cause::sr6_truncated;
}

// RFC 4301 section 5.2 step 4: an auditable event, with the addresses of the packet that was inside.
Done LocalSidRest::mismatch(Packet<Ip6> packet, Row<Ip6> row, wire::Ipv6View ip, const InboundSa& sa) const {
  audit.note({.cause = Cause::policy_selector_mismatch,
              .from = row.from,
              .spi = sa.spi,
              .inner = AuditEvent::Inner{ip.source(), ip.destination()}});
  return ends.end(std::move(packet), Cause::policy_selector_mismatch);
}

// RFC 8201: what came in clear may be anybody's.
bool LocalSidRest::learns(Row<Ip6> row, wire::Ipv6View ip, wire::Bytes message) const {
  if (!tables.icmp.path_mtu || row.from.sa().is_none()) return false;
  const auto [icmp, fault] = wire::Icmpv6View::check(ip, message);
  if (fault != wire::Icmpv6Fault::none || icmp.type() != wire::kIcmpv6PacketTooBig) return false;
  return paths.learn(icmp.data(), tables.sas[row.from.sa().index()], icmp.mtu(), now_ns);
}

// RFC 8754 section 4.3.2: no SID; if it is an address of ours it is for the host.
Done LocalSidRest::no_sid(Packet<Ip6> packet, Row<Ip6> row, wire::Ipv6View ip) const {
  if (tables.own6.find(ip.destination()) == nullptr) return ends.end(std::move(packet), Cause::sr6_no_sid);
  const wire::Bytes bytes = std::as_const(packet).bytes().first(ip.total_length());
  const wire::Ipv6Chain chain = wire::walk_extension_headers(bytes);
  if (chain.fault != wire::ChainFault::none || chain.upper_layer != wire::kProtocolIcmpv6)
    return ends.end(std::move(packet), Cause::punt_local);
  const bool learned = learns(row, ip, bytes.subspan(chain.upper_offset));
  return ends.end(std::move(packet), learned ? LocalSidEnds::cause_type(Cause::icmp_path_mtu) : Cause::punt_icmp6);
}

void local_sid(Burst<Ip6>& in, Tables& tables, PathMtus& paths, Audit& audit, std::uint64_t now_ns,
               Burst<stage::Sr6>& end_dx4, LocalSidEnds ends) {
  drain(in, LocalSidStep<Burst<stage::Sr6>>({tables, paths, audit, now_ns, ends}, end_dx4));
}

}  // namespace strata
