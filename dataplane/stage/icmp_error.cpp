#include "dataplane/stage/icmp_error.hpp"

#include "dataplane/stage/ip4_rules.hpp"
#include "dataplane/wire/icmp.hpp"

namespace strata {
namespace {

using stage::Refused;

constexpr std::size_t kLongest = 576;  // RFC 1812 section 4.3.2.3
constexpr std::size_t kFront = wire::kIpv4MinHeaderLength + wire::kIcmpHeaderLength;
constexpr std::uint8_t kTtl = 64;
constexpr std::uint8_t kInternetworkControl = 0xc0;  // RFC 1812 section 4.3.2.5: precedence 6

struct TypeAndCode {
  std::uint8_t type;
  std::uint8_t code;
};

TypeAndCode number_of(IcmpError error) {
  switch (error) {
    case IcmpError::net_unreachable: return {wire::kIcmpUnreachable, 0};
    case IcmpError::host_unreachable: return {wire::kIcmpUnreachable, 1};
    case IcmpError::protocol_unreachable: return {wire::kIcmpUnreachable, 2};
    case IcmpError::port_unreachable: return {wire::kIcmpUnreachable, 3};
    case IcmpError::fragmentation_needed: return {wire::kIcmpUnreachable, 4};
    case IcmpError::none:
    case IcmpError::time_exceeded: break;
  }
  return {wire::kIcmpTimeExceeded, 0};
}

// RFC 1812 section 4.3.2.7: none about an ICMP error, a fragment but the first, or a packet that no one host sent.
// (What came as a broadcast of any layer has not come as far as this, or with IcmpError::none.)
bool may_be_answered(const wire::Ipv4View& ip) {
  if (ip.fragment_offset() != 0 || is_never_unicast(ip.source())) return false;
  if (ip.protocol() != wire::kProtocolIcmp) return true;
  const wire::Bytes payload = ip.payload();
  return !payload.empty() && !wire::is_icmp_error(payload[0]);
}

std::optional<wire::Ipv4Address> address_on(const PortEntry& port, wire::Ipv4Address towards) {
  for (const wire::Ipv4Prefix& own : port.addresses)
    if (wire::contains(own, towards)) return own.address;
  if (port.addresses.empty()) return std::nullopt;
  return port.addresses.front().address;
}

// RFC 1812 section 4.3.2.4: an address of the port that the error leaves by. A tunnel has none: then the first one of
// ours on the side it begins on.
std::optional<wire::Ipv4Address> source_towards(const Tables& tables, wire::Ipv4Address destination, Side side) {
  Route route{RouteKind::none, 0};
  tables.routes.find(&destination, &route, 1);
  if (route.kind == RouteKind::adjacency) {
    const Adjacency& adj = tables.adjacencies[AdjId<V4>(route.index)];
    if (const auto own = address_on(tables.ports[adj.port.index()], adj.address)) return own;
  }
  if (route.kind == RouteKind::connected) return address_on(tables.ports[route.index], destination);
  for (const PortEntry& port : tables.ports)
    if (!port.addresses.empty() && port.side == side) return port.addresses.front().address;
  return std::nullopt;
}

std::array<std::uint8_t, kFront> front_of(const Row<Refused>& row, wire::Ipv4Address source, wire::Bytes quoted,
                                          wire::Ipv4Address destination) {
  const TypeAndCode number = number_of(row.error);
  std::array<std::uint8_t, kFront> front{};
  front[0] = 0x45;
  front[1] = kInternetworkControl;
  wire::store_be16(&front[2], static_cast<std::uint16_t>(kFront + quoted.size()));
  wire::store_be16(&front[6], 0x4000);  // RFC 6864 section 4.1: never fragmented, so its ID says nothing
  front[8] = kTtl;
  front[9] = wire::kProtocolIcmp;
  wire::store_be32(&front[12], source.value);
  wire::store_be32(&front[16], destination.value);
  wire::store_be16(&front[10], wire::checksum({front.data(), wire::kIpv4MinHeaderLength}));
  std::uint8_t* icmp = &front[wire::kIpv4MinHeaderLength];
  icmp[0] = number.type;
  icmp[1] = number.code;
  wire::store_be16(icmp + 6, row.mtu);  // RFC 1191 section 4
  // Of both parts together: the header is a whole number of words.
  const auto sum = wire::detail::fold(std::uint64_t{static_cast<std::uint16_t>(~wire::checksum({icmp, 8}))} +
                                      static_cast<std::uint16_t>(~wire::checksum(quoted)));
  wire::store_be16(icmp + 2, static_cast<std::uint16_t>(~sum));
  return front;
}

}  // namespace

void icmp_error(Burst<Refused>& in, const Tables& tables, IcmpLimits& limits, IcmpCounters& counters,
                std::uint64_t now_ns, Burst<stage::Made>& made, IcmpErrorEnds ends) {
  in.drain([&](Packet<Refused> packet, const Row<Refused>& row) -> Done {
    const auto ip = wire::Ipv4View::of_checked(std::as_const(packet).bytes());
    if (row.error == IcmpError::none || !may_be_answered(ip)) return ends.end(std::move(packet), row.cause);
    const wire::Ipv4Address to = ip.source();
    const auto from = source_towards(tables, to, row.from.side());
    if (!from) return ends.end(std::move(packet), row.cause);
    if (!limits.of(row.from).allow(now_ns)) {
      ++counters.errors_limited;
      return ends.end(std::move(packet), row.cause);
    }
    const std::size_t kept = std::min(ip.total_length(), kLongest - kFront);
    const auto front = front_of(row, *from, std::as_const(packet).bytes().first(kept), to);
    if (!Gate::has_room(packet, front.size() + 14, 0)) return ends.end(std::move(packet), row.cause);
    ++counters.errors_sent;
    ends.note_answered(packet, row.cause);
    return Gate::answered(std::move(packet), row, front, {0, kept}, made);
  });
}

}  // namespace strata
