// Packets whose next hop has no MAC address wait while it is asked (RFC 1122 section 2.3.2, RFC 826).
#pragma once

#include "dataplane/packet/ends.hpp"
#include "dataplane/packet/hold_queue.hpp"
#include "dataplane/packet/maker.hpp"
#include "dataplane/table/tables.hpp"

namespace strata {

using ResolveEnds = EndsOf<Cause::adj_unresolved, Cause::adj_queue_full>;

// An ARP request for an address of a next hop: broadcast, or to the MAC address that it had last.
struct ArpRequest {
  std::array<std::uint8_t, 14 + 28> frame;
  PortId port;
};
ArpRequest arp_request(const Tables& tables, AdjId<V4> id);
// RFC 5227 section 3: says an address of ours, so that others learn it anew.
ArpRequest arp_announcement(const Tables& tables, PortId port, wire::Ipv4Address address);

// Holds the packets, and has those next hops asked that nobody is asking. Where ARP is off nobody is: they end as what
// has waited in vain.
void resolve(Burst<stage::Unresolved>& in, const Tables& tables, Neighbors& neighbors, std::uint64_t now_ns,
             HoldQueue& held, const Maker& maker, Ends& generated, Burst<stage::Refused>& refused,
             Burst<stage::Out>& out, ResolveEnds ends);

using ResumeEnds = EndsOf<Cause::adj_unresolved>;

// What waited goes back to the step where it stopped.
void resume(Burst<stage::Unresolved>& in, Burst<stage::Ip4>& ip4, Burst<stage::Made>& made);

// What waited in vain: its sender is told (RFC 1812 section 5.2.7.1), unless it was made here.
void give_up(Burst<stage::Unresolved>& in, const Tables& tables, Burst<stage::Refused>& refused, ResumeEnds ends);

}  // namespace strata
