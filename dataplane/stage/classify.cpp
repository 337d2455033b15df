#include "dataplane/stage/classify.hpp"

namespace strata {

using stage::Frame;

// Broadcast, by its address or by its frame: not forwarded, and not for us. The cause is told of a header that is whole
// only; of another one its damage is.
Done ClassifyRest::refuse_broadcast(Packet<Frame> frame, wire::Bytes packet, ClassifyEnds::cause_type cause) const {
  const auto [ip, fault] = wire::Ipv4View::check(packet);
  if (fault != wire::Ipv4Fault::none) return ends.end(std::move(frame), cause_of<ClassifyEnds::cause_type>(fault));
  return ends.end(std::move(frame), cause);
}

void classify(Burst<Frame>& in, const Tables& tables, const wire::MacAddress& mac, Burst<stage::Arp>& arp,
              Burst<stage::Host>& host, Burst<stage::Ip4>& ip4, Burst<stage::Ip6>& ip6, ClassifyEnds ends) {
  const ClassifyStep<Burst<stage::Host>> step({tables, mac, arp, ip4, ip6, ends}, host);
  in.drain_ahead([&](Packet<Frame> frame, const Row<Frame>& row) -> Done { return step.input(std::move(frame), row); });
}

namespace {

// The kernel routes on its own: only what it sends from an address of ours is this machine's traffic.
Done classify_own(Packet<Frame> frame, const Row<Frame>& row, LinkLength link, const Tables& tables,
                  Burst<stage::Made>& made, ClassifyEnds ends) {
  const wire::Bytes packet = std::as_const(frame).bytes().subspan(static_cast<std::size_t>(link));
  const auto [ip, fault] = wire::Ipv4View::check(packet);
  if (fault != wire::Ipv4Fault::none) return ends.end(std::move(frame), cause_of<ClassifyEnds::cause_type>(fault));
  const OwnAddress* source = tables.own4.find(ip.source());
  if (source == nullptr || source->kind != OwnKind::own) return ends.end(std::move(frame), Cause::local_foreign_source);
  const Side side = tables.ports[source->port.index()].side;
  return Gate::of_host(std::move(frame), row, link, side, made);
}

}  // namespace

void classify_host(Burst<Frame>& in, const Tables& tables, Burst<stage::Arp>& arp, Burst<stage::Made>& made,
                   ClassifyEnds ends) {
  in.drain([&](Packet<Frame> frame, const Row<Frame>& row) -> Done {
    const ClassifyRest::Ethernet ethernet = wire::EthernetView::check(std::as_const(frame).bytes());
    if (const auto refused = ClassifyRest::refuse_frame(ethernet, tables.ports[row.from.port().index()].mac))
      return ends.end(std::move(frame), *refused);
    const auto link = static_cast<LinkLength>(ethernet.view.header_length());
    switch (ethernet.view.ethertype()) {
      case wire::kEtherIpv4: return classify_own(std::move(frame), row, link, tables, made, ends);
      case wire::kEtherArp: return Gate::arp(std::move(frame), row, link, arp);
      default: return ends.end(std::move(frame), Cause::eth_unknown_type);
    }
  });
}

}  // namespace strata
