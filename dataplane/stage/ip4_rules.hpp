// What RFC 1812 asks of every IPv4 packet, be it for us or passing through; shared by the stages that meet one.
#pragma once

#include <optional>

#include "dataplane/packet/ends.hpp"
#include "dataplane/table/bypass.hpp"
#include "dataplane/table/own_address.hpp"
#include "dataplane/table/tables.hpp"
#include "dataplane/wire/ipv4.hpp"

namespace strata {

// RFC 1812 section 5.2.2. Ends: a CauseOf that has the five causes.
template <class CauseType>
CauseType cause_of(wire::Ipv4Fault fault) {
  switch (fault) {
    case wire::Ipv4Fault::bad_version: return Cause::ip4_bad_version;
    case wire::Ipv4Fault::bad_header_length: return Cause::ip4_bad_header_length;
    case wire::Ipv4Fault::bad_length: return Cause::ip4_bad_length;
    case wire::Ipv4Fault::bad_checksum: return Cause::ip4_bad_checksum;
    case wire::Ipv4Fault::none:
    case wire::Ipv4Fault::truncated: break;
  }
  return Cause::ip4_truncated;
}

// Never an address of one host: 0/8, 127/8, and all from 224/4 up (multicast, reserved, limited broadcast).
// RFC 1812 section 5.3.7, RFC 1122 section 3.2.1.3.
constexpr bool is_never_unicast(wire::Ipv4Address a) {
  const std::uint32_t first = a.value >> 24;
  return first == 0 || first == 127 || first >= 224;
}

// 169.254/16: good on one link only, never forwarded (RFC 3927 section 7).
constexpr bool is_link_local(wire::Ipv4Address a) { return (a.value >> 16) == 0xa9fe; }

// A source that none but a liar sends from: also our own addresses, and the broadcast addresses of our subnets. mine:
// what OwnIpv4 says of it.
inline bool is_martian_source(wire::Ipv4Address source, const OwnAddress* mine) {
  return is_never_unicast(source) || mine != nullptr;
}

// RFC 1812 sections 5.3.7 and 5.3.5: where nothing is sent to by way of a router. Out of End.DX4 no look-up has seen it
// yet. mine: what OwnIpv4 says of it.
inline bool is_martian_destination(wire::Ipv4Address destination, const OwnAddress* mine) {
  return is_never_unicast(destination) || is_link_local(destination) ||
         (mine != nullptr && mine->kind == OwnKind::broadcast);
}

// Of such a one. Causes: a CauseOf that has the three.
template <class CauseType>
CauseType cause_of_martian(wire::Ipv4Address destination, const OwnAddress* mine) {
  if (mine != nullptr && mine->kind == OwnKind::broadcast) return Cause::ip4_broadcast;
  const std::uint32_t first = destination.value >> 24;
  if (first >= 224 && first < 240) return Cause::ip4_multicast;
  return Cause::ip4_martian_destination;
}

// Packets come in trains: source and destination of the last one that may come from where it says, and is not for us.
class LastPassing {
 public:
  bool is(std::uint64_t addresses) const { return addresses == addresses_ && addresses_ != 0; }
  void note(std::uint64_t addresses) { addresses_ = addresses; }

 private:
  std::uint64_t addresses_ = 0;  // there was none: neither of them may be 0
};

// Whether a packet may come from where it says, and is for another host: what ip4_forward asks of it, as yes or no.
// addresses: both, as LastPassing has them.
inline bool may_pass(LastPassing& last, std::uint64_t addresses, const OwnIpv4& own4) {
  if (last.is(addresses)) [[likely]]
    return true;
  const wire::Ipv4Address source{static_cast<std::uint32_t>(addresses >> 32)};
  const wire::Ipv4Address destination{static_cast<std::uint32_t>(addresses)};
  const OwnAddress* mine = own4.find(destination);
  if (mine != nullptr || is_martian_source(source, own4.find(source)) || is_link_local(source) ||
      is_martian_destination(destination, mine)) [[unlikely]]
    return false;
  last.note(addresses);
  return true;
}

// RFC 4301 section 3.1: what comes in clear on one side does not leave on the other, nor is it taken in there, unless a
// rule lets it. What an SA protected on its way here is on the protected side, and does not get to the other in clear
// either.
inline bool crosses_unbidden(const Origin& from, Side to, const std::vector<BypassRule>& bypass,
                             const wire::Ipv4View& ip) {
  if (from.side() == to || from.side() == Side::either_side) [[likely]]
    return false;
  return !from.sa().is_none() || !bypass_allows(bypass, ip);
}

// A SID that takes what came in clear lets it pass to its own next hop; for the host itself, and what that answers, it
// is still a packet of the port that it came in by.
inline Origin as_it_came(const Origin& from, const Tables& tables) {
  return from.side() == Side::either_side ? from.with(tables.ports[from.port().index()].side) : from;
}

}  // namespace strata
