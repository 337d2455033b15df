#include "dataplane/stage/local_sid.hpp"

#include "dataplane/wire/icmpv6.hpp"
#include "dataplane/wire/ipv6.hpp"

namespace strata {
namespace {

using stage::Ip6;
using SidCause = LocalSidEnds::cause_type;

SidCause cause_of(wire::Ipv6Fault fault, bool opened) {
  if (fault == wire::Ipv6Fault::bad_version) return Cause::sr6_bad_version;
  if (opened) return Cause::esp_inner_truncated;
  return Cause::sr6_truncated;
}

// Multicast, unspecified, loopback: no packet comes from there (RFC 4291 sections 2.5.2, 2.5.3 and 2.7).
bool is_martian(const std::uint8_t* source) {
  return source[0] == 0xff || (wire::load_be64(source) == 0 && wire::load_be64(source + 8) <= 1);
}

// RFC 4301 section 4.4.1.1: the protocol is that of the upper layer, behind all extension headers.
bool matches(const InboundSa& sa, const wire::Ipv6View& ip, wire::Bytes packet) {
  if (!sa.selectors.match(ip.source_bytes(), ip.destination_bytes())) return false;
  if (sa.protocol == kAnyProtocol) [[likely]]
    return true;
  const wire::Ipv6Chain chain = wire::walk_extension_headers(packet.first(ip.total_length()));
  if (chain.fault != wire::ChainFault::none) return false;
  // Behind an SRH with segments left the upper layer is not for us to see; no behaviour that we have takes such a
  // packet.
  return chain.segments_left != 0 || chain.upper_layer == sa.protocol;
}

struct AtSid {
  const Tables& tables;
  PathMtus& paths;
  Audit& audit;
  std::uint64_t now_ns;
  Burst<stage::Sr6>& end_dx4;
  LocalSidEnds ends;

  Done input(Packet<Ip6> packet, const Row<Ip6>& row) const;
  [[gnu::noinline]] Done no_sid(Packet<Ip6> packet, const Row<Ip6>& row, const wire::Ipv6View& ip) const;
  bool learns(const Row<Ip6>& row, const wire::Ipv6View& ip, wire::Bytes message) const;
  [[gnu::noinline]] Done mismatch(Packet<Ip6> packet, const Row<Ip6>& row, const wire::Ipv6View& ip,
                                  const InboundSa& sa) const;
};

// RFC 4301 section 5.2 step 4: an auditable event, with the addresses of the packet that was inside.
Done AtSid::mismatch(Packet<Ip6> packet, const Row<Ip6>& row, const wire::Ipv6View& ip, const InboundSa& sa) const {
  audit.note({.cause = Cause::policy_selector_mismatch,
              .from = row.from,
              .spi = sa.spi,
              .inner = AuditEvent::Inner{ip.source(), ip.destination()}});
  return ends.end(std::move(packet), Cause::policy_selector_mismatch);
}

// RFC 8201: what came in clear may be anybody's.
bool AtSid::learns(const Row<Ip6>& row, const wire::Ipv6View& ip, wire::Bytes message) const {
  if (!tables.icmp.path_mtu || row.from.sa.is_none()) return false;
  const auto [icmp, fault] = wire::Icmpv6View::check(ip, message);
  if (fault != wire::Icmpv6Fault::none || icmp.type() != wire::kIcmpv6PacketTooBig) return false;
  return paths.learn(icmp.data(), tables.sas[row.from.sa.index()], icmp.mtu(), now_ns);
}

// RFC 8754 section 4.3.2: no SID; if it is an address of ours it is for the host.
Done AtSid::no_sid(Packet<Ip6> packet, const Row<Ip6>& row, const wire::Ipv6View& ip) const {
  if (tables.own6.find(ip.destination()) == nullptr) return ends.end(std::move(packet), Cause::sr6_no_sid);
  const wire::Bytes bytes = std::as_const(packet).bytes().first(ip.total_length());
  const wire::Ipv6Chain chain = wire::walk_extension_headers(bytes);
  if (chain.fault != wire::ChainFault::none || chain.upper_layer != wire::kProtocolIcmpv6)
    return ends.end(std::move(packet), Cause::punt_local);
  const bool learned = learns(row, ip, bytes.subspan(chain.upper_offset));
  return ends.end(std::move(packet), learned ? LocalSidEnds::cause_type(Cause::icmp_path_mtu) : Cause::punt_icmp6);
}

Done AtSid::input(Packet<Ip6> packet, const Row<Ip6>& row) const {
  const bool opened = !row.from.sa.is_none();
  const auto [ip, fault] = wire::Ipv6View::check(std::as_const(packet).bytes());
  if (fault != wire::Ipv6Fault::none) [[unlikely]]
    return ends.end(std::move(packet), cause_of(fault, opened));
  // RFC 4301 section 5.2 step 4: what came out of an SA must be what the SA is for.
  if (opened) [[likely]] {
    const InboundSa& sa = tables.sas[row.from.sa.index()];
    if (!matches(sa, ip, std::as_const(packet).bytes())) [[unlikely]]
      return mismatch(std::move(packet), row, ip, sa);
  }
  if (is_martian(ip.source_bytes())) [[unlikely]]
    return ends.end(std::move(packet), Cause::sr6_martian_source);
  const SidId id = tables.sids.find(ip.destination_bytes());
  if (id.is_none()) [[unlikely]]
    return no_sid(std::move(packet), row, ip);
  if (!opened && !tables.sids[id].takes_clear) [[unlikely]]
    return ends.end(std::move(packet), Cause::policy_unprotected);
  const wire::EcnDecap ecn = wire::ecn_decapsulate(row.carried, static_cast<wire::Ecn>(ip.ecn()));
  if (ecn.drop) [[unlikely]]
    return ends.end(std::move(packet), Cause::esp_ce_not_ect);
  audit.note_ecn(ecn);
  const std::size_t total = ip.total_length();
  switch (tables.sids[id].behavior) {
    case SidBehavior::end_dx4: return Gate::at_sid(std::move(packet), row, total, id, ecn.result, end_dx4);
  }
  __builtin_unreachable();
}

}  // namespace

void local_sid(Burst<Ip6>& in, const Tables& tables, PathMtus& paths, Audit& audit, std::uint64_t now_ns,
               Burst<stage::Sr6>& end_dx4, LocalSidEnds ends) {
  const AtSid stage{tables, paths, audit, now_ns, end_dx4, ends};
  in.drain([&](Packet<Ip6> packet, const Row<Ip6>& row) -> Done { return stage.input(std::move(packet), row); });
}

}  // namespace strata
