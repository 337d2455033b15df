#include "dataplane/stage/classify.hpp"

#include "dataplane/stage/ip4_rules.hpp"
#include "dataplane/wire/ethernet.hpp"

namespace strata {
namespace {

using stage::Frame;

// Broadcast, by its address or by its frame: not forwarded, and not for us. The cause is told of a header that is whole
// only; of another one its damage is.
Done refuse_broadcast(Packet<Frame> frame, wire::Bytes packet, ClassifyEnds::cause_type cause, ClassifyEnds ends) {
  const auto [ip, fault] = wire::Ipv4View::check(packet);
  if (fault != wire::Ipv4Fault::none) return ends.end(std::move(frame), cause_of<ClassifyEnds::cause_type>(fault));
  return ends.end(std::move(frame), cause);
}

// An IPv4 packet is for us or to be forwarded; which of them, its destination says. Nothing else of it is believed or
// checked here: that is for the stage it goes to, once.
Done classify_ip4(Packet<Frame> frame, const Row<Frame>& row, LinkLength link, bool broadcast, const OwnIpv4& own,
                  Burst<stage::Host>& host, Burst<stage::Ip4>& ip4, ClassifyEnds ends) {
  const wire::Bytes packet = std::as_const(frame).bytes().subspan(static_cast<std::size_t>(link));
  if (packet.size() < wire::kIpv4MinHeaderLength) [[unlikely]]
    return ends.end(std::move(frame), Cause::ip4_truncated);
  const OwnAddress* mine = own.find(wire::read_ipv4(packet.data() + 16));
  if (mine != nullptr) [[likely]] {
    if (mine->kind == OwnKind::own) {
      if (broadcast) [[unlikely]]
        return Gate::host_of_broadcast(std::move(frame), row, link, host);
      return Gate::host(std::move(frame), row, link, host);
    }
    return refuse_broadcast(std::move(frame), packet, Cause::ip4_broadcast, ends);
  }
  // RFC 1812 section 5.3.4: what came in a link-layer broadcast is not forwarded.
  if (broadcast) return refuse_broadcast(std::move(frame), packet, Cause::ip4_link_broadcast, ends);
  return Gate::ip4(std::move(frame), row, link, ip4);
}

using Ethernet = wire::Checked<wire::EthernetView, wire::EthernetFault>;

std::optional<ClassifyEnds::cause_type> refuse_frame(const Ethernet& ethernet, const wire::MacAddress& mac) {
  using Refuse = ClassifyEnds::cause_type;
  if (ethernet.fault == wire::EthernetFault::truncated) return Refuse(Cause::eth_truncated);
  if (ethernet.fault != wire::EthernetFault::none) return Refuse(Cause::eth_vlan_depth);
  if (!ethernet.view.is_to(mac) && !ethernet.view.is_to(wire::kBroadcastMac)) return Refuse(Cause::eth_other_host);
  return std::nullopt;
}

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

void classify(Burst<Frame>& in, const Tables& tables, Burst<stage::Arp>& arp, Burst<stage::Host>& host,
              Burst<stage::Ip4>& ip4, Burst<stage::Ip6>& ip6, ClassifyEnds ends) {
  in.drain_ahead([&](Packet<Frame> frame, const Row<Frame>& row) -> Done {
    const Ethernet ethernet = wire::EthernetView::check(std::as_const(frame).bytes());
    if (const auto refused = refuse_frame(ethernet, tables.ports[row.from.port.index()].mac)) [[unlikely]]
      return ends.end(std::move(frame), *refused);
    const bool broadcast = ethernet.view.is_to(wire::kBroadcastMac);
    const auto link = static_cast<LinkLength>(ethernet.view.header_length());
    switch (ethernet.view.ethertype()) {
      [[likely]] case wire::kEtherIpv4
          : return classify_ip4(std::move(frame), row, link, broadcast, tables.own4, host, ip4, ends);
      case wire::kEtherIpv6: return Gate::ip6(std::move(frame), row, link, ip6);
      case wire::kEtherArp: return Gate::arp(std::move(frame), row, link, arp);
      default: return ends.end(std::move(frame), Cause::eth_unknown_type);
    }
  });
}

void classify_host(Burst<Frame>& in, const Tables& tables, Burst<stage::Arp>& arp, Burst<stage::Made>& made,
                   ClassifyEnds ends) {
  in.drain([&](Packet<Frame> frame, const Row<Frame>& row) -> Done {
    const Ethernet ethernet = wire::EthernetView::check(std::as_const(frame).bytes());
    if (const auto refused = refuse_frame(ethernet, tables.ports[row.from.port.index()].mac))
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
