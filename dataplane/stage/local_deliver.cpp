#include "dataplane/stage/local_deliver.hpp"

#include "dataplane/stage/ip4_rules.hpp"
#include "dataplane/wire/icmp.hpp"
#include "dataplane/wire/udp.hpp"

namespace strata {
namespace {

using stage::Local;

constexpr std::uint16_t kIkePort = 500;
constexpr std::uint8_t kTtl = 64;

struct LocalDeliver {
  const Tables& tables;
  PathMtus& paths;
  std::uint64_t now_ns;
  Burst<stage::Made>& made;
  Burst<stage::Oversize>& oversize;
  Burst<stage::Refused>& refused;
  Burst<stage::Out>& out;
  LocalDeliverEnds ends;

  Done input(Packet<Local> packet, const Row<Local>& row) const;
  Done icmp(Packet<Local> packet, const Row<Local>& row, const wire::Ipv4View& ip) const;
  Done echo(Packet<Local> packet, const Row<Local>& row, const wire::Ipv4View& ip) const;
  bool learns(const Row<Local>& row, const wire::Ipv4View& ip, const wire::IcmpView& icmp) const;
  Done to_kernel(Packet<Local> packet, const Row<Local>& row, const wire::Ipv4View& ip) const;
  Done nobody(Packet<Local> packet, const Row<Local>& row, const wire::Ipv4View& ip) const;
};

// RFC 1812 section 4.3.2.7: a frame to all must not have all of them answer.
IcmpError unless_broadcast(const Row<Local>& row, IcmpError error) { return row.broadcast ? IcmpError::none : error; }

// RFC 1122 section 3.2.2.6: the same octets back. Options are not sent back. The request's ID serves for the reply,
// which has a source of its own (RFC 6864 section 4).
Done LocalDeliver::echo(Packet<Local> packet, const Row<Local>& row, const wire::Ipv4View& ip) const {
  constexpr std::size_t kIp = wire::kIpv4MinHeaderLength;
  constexpr std::size_t kChanged = 4;  // type, code, checksum
  const wire::Bytes message = ip.payload();
  std::array<std::uint8_t, kIp + kChanged> front{};
  front[0] = 0x45;
  front[1] = ip.tos() & 0xfc;
  wire::store_be16(&front[2], static_cast<std::uint16_t>(kIp + message.size()));
  wire::store_be16(&front[4], ip.id());
  wire::store_be16(&front[6], ip.dont_fragment() ? 0x4000 : 0);
  front[8] = kTtl;
  front[9] = wire::kProtocolIcmp;
  wire::store_be32(&front[12], ip.destination().value);
  wire::store_be32(&front[16], ip.source().value);
  wire::store_be16(&front[10], wire::checksum({front.data(), kIp}));
  const std::uint16_t was = wire::load_be16(message.data());
  const auto is = static_cast<std::uint16_t>(wire::kIcmpEchoReply << 8);
  wire::store_be16(&front[kIp], is);
  wire::store_be16(&front[kIp + 2], wire::checksum_update(wire::load_be16(message.data() + 2), was, is));
  return Gate::answered(std::move(packet), row, front, {ip.header_length() + kChanged, message.size() - kChanged},
                        made);
}

// RFC 1191: one that is about something else is the kernel's.
bool LocalDeliver::learns(const Row<Local>& row, const wire::Ipv4View& ip, const wire::IcmpView& icmp) const {
  if (!tables.icmp.path_mtu || icmp.type() != wire::kIcmpUnreachable || icmp.code() != wire::kIcmpFragmentationNeeded)
    return false;
  const auto [about, fault] = wire::QuotedIpv4View::check(icmp.data());
  return fault == wire::QuoteFault::none && paths.learn(about, row.from, ip.destination(), icmp.next_hop_mtu(), now_ns);
}

Done LocalDeliver::icmp(Packet<Local> packet, const Row<Local>& row, const wire::Ipv4View& ip) const {
  const auto [icmp, fault] = wire::IcmpView::check(ip.payload());
  if (fault == wire::IcmpFault::truncated) return ends.end(std::move(packet), Cause::icmp_truncated);
  if (fault == wire::IcmpFault::bad_checksum) return ends.end(std::move(packet), Cause::icmp_bad_checksum);
  if (icmp.type() == wire::kIcmpEcho && icmp.code() == 0 && tables.icmp.echo) return echo(std::move(packet), row, ip);
  if (learns(row, ip, icmp)) return ends.end(std::move(packet), Cause::icmp_path_mtu);
  if (!tables.host.is_none()) return to_kernel(std::move(packet), row, ip);
  return ends.end(std::move(packet), Cause::punt_icmp);
}

Done LocalDeliver::to_kernel(Packet<Local> packet, const Row<Local>& row, const wire::Ipv4View& ip) const {
  const Adjacency& adj = tables.adjacencies[tables.host];
  const std::size_t total = ip.total_length();
  if (total <= adj.mtu) return Gate::linked(std::move(packet), row, total, adj.header, adj.port, out);
  if (ip.dont_fragment()) return ends.end(std::move(packet), Cause::ip4_too_big);
  return Gate::oversize(std::move(packet), row, total, NextHop(tables.host), adj.mtu, oversize);
}

// RFC 1122 sections 3.2.2.1 and 4.1.3.1. IKE waits for its daemon to come: nobody is told that it is not there.
Done LocalDeliver::nobody(Packet<Local> packet, const Row<Local>& row, const wire::Ipv4View& ip) const {
  const std::size_t total = ip.total_length();
  if (ip.protocol() != wire::kProtocolUdp)
    return Gate::refused(std::move(packet), row, total, Cause::local_no_protocol,
                         unless_broadcast(row, IcmpError::protocol_unreachable), 0, refused);
  const auto [udp, fault] = wire::UdpView::check(ip.payload());
  if (fault == wire::UdpFault::none &&
      (udp.destination_port() == kIkePort || tables.esp_ports.contains(udp.destination_port())))
    return ends.end(std::move(packet), Cause::punt_ike);
  return Gate::refused(std::move(packet), row, total, Cause::local_no_port,
                       unless_broadcast(row, IcmpError::port_unreachable), 0, refused);
}

Done LocalDeliver::input(Packet<Local> packet, const Row<Local>& row) const {
  const auto ip = wire::Ipv4View::of_checked(std::as_const(packet).bytes());
  const OwnAddress* mine = tables.own4.find(ip.destination());
  const Side side = tables.ports[mine->port.index()].side;
  if (crosses_unbidden(row.from, side, tables.bypass, ip)) return ends.end(std::move(packet), Cause::policy_boundary);
  if (ip.protocol() == wire::kProtocolIcmp && !ip.is_fragment()) return icmp(std::move(packet), row, ip);
  if (!tables.host.is_none()) return to_kernel(std::move(packet), row, ip);
  return nobody(std::move(packet), row, ip);
}

}  // namespace

void local_deliver(Burst<Local>& in, const Tables& tables, PathMtus& paths, std::uint64_t now_ns,
                   Burst<stage::Made>& made, Burst<stage::Oversize>& oversize, Burst<stage::Refused>& refused,
                   Burst<stage::Out>& out, LocalDeliverEnds ends) {
  const LocalDeliver stage{tables, paths, now_ns, made, oversize, refused, out, ends};
  in.drain([&](Packet<Local> packet, const Row<Local>& row) -> Done { return stage.input(std::move(packet), row); });
}

}  // namespace strata
