#include "dataplane/stage/resolve.hpp"

#include "dataplane/stage/ip4_rules.hpp"
#include "dataplane/wire/arp.hpp"
#include "dataplane/wire/ipv4.hpp"

namespace strata {
namespace {

using stage::Unresolved;

// The sender's address: the port's own in the next hop's subnet, or else its first.
wire::Ipv4Address address_towards(const PortEntry& port, wire::Ipv4Address next_hop) {
  for (const wire::Ipv4Prefix& own : port.addresses)
    if (wire::contains(own, next_hop)) return own.address;
  return port.addresses.empty() ? wire::Ipv4Address{} : port.addresses.front().address;
}

template <class EndsType>
Done refuse(Packet<Unresolved> packet, Row<Unresolved> row, const Tables& tables, Burst<stage::Refused>& refused,
            const EndsType& ends) {
  if (row.resume == Resume::output) return ends.end(std::move(packet), Cause::adj_unresolved);
  row.from = as_it_came(row.from, tables);
  const std::size_t total = wire::load_be16(std::as_const(packet).bytes().data() + 2);
  return Gate::given_up(std::move(packet), row, total, refused);
}

}  // namespace

ArpRequest arp_request(const Tables& tables, AdjId<V4> id) {
  const Adjacency& adj = tables.adjacencies[id];
  const PortEntry& port = tables.ports[adj.port.index()];
  ArpRequest made{.frame = {}, .port = adj.port};
  const wire::MacAddress to = adj.resolved ? wire::read_mac(adj.header.data()) : wire::kBroadcastMac;
  wire::write_ethernet(made.frame.data(), to, port.mac, wire::kEtherArp);
  wire::write_arp(&made.frame[14], wire::kArpRequest, port.mac, address_towards(port, adj.address), {}, adj.address);
  return made;
}

ArpRequest arp_announcement(const Tables& tables, PortId port, wire::Ipv4Address address) {
  ArpRequest made{.frame = {}, .port = port};
  const wire::MacAddress& mac = tables.ports[port.index()].mac;
  wire::write_ethernet(made.frame.data(), wire::kBroadcastMac, mac, wire::kEtherArp);
  wire::write_arp(&made.frame[14], wire::kArpRequest, mac, address, {}, address);
  return made;
}

void resolve(Burst<Unresolved>& in, const Tables& tables, Neighbors& neighbors, std::uint64_t now_ns, HoldQueue& held,
             const Maker& maker, Ends& generated, Burst<stage::Refused>& refused, Burst<stage::Out>& out,
             ResolveEnds ends) {
  in.drain([&](Packet<Unresolved> packet, const Row<Unresolved>& row) -> Done {
    if (!neighbors.settings().enabled) {
      neighbors.forget(row.waits_for);  // nobody will ask for it: it takes no place
      return refuse(std::move(packet), row, tables, refused, ends);
    }
    // The configuration has it no longer: it was on its way to here when that changed.
    if (!neighbors.is_there(row.waits_for)) return ends.end(std::move(packet), Cause::adj_unresolved);
    if (neighbors.want(row.waits_for, now_ns)) {
      const ArpRequest request = arp_request(tables, row.waits_for);
      (void)maker.frame(request.frame, request.port, out, generated);  // without a buffer: asked again in time
    }
    const PortId port = tables.adjacencies[row.waits_for].port;
    if (!held.has_room(row.waits_for, port)) return ends.end(std::move(packet), Cause::adj_queue_full);
    return held.push(std::move(packet), row, port);
  });
}

void resume(Burst<Unresolved>& in, Burst<stage::Ip4>& ip4, Burst<stage::Made>& made) {
  in.drain([&](Packet<Unresolved> packet, const Row<Unresolved>& row) -> Done {
    return Gate::resumed(std::move(packet), row, ip4, made);
  });
}

void give_up(Burst<Unresolved>& in, const Tables& tables, Burst<stage::Refused>& refused, ResumeEnds ends) {
  in.drain([&](Packet<Unresolved> packet, const Row<Unresolved>& row) -> Done {
    return refuse(std::move(packet), row, tables, refused, ends);
  });
}

}  // namespace strata
