// Takes the Ethernet header off and tells what is inside: the first look at a frame.
#pragma once

#include <optional>

#include "dataplane/packet/ends.hpp"
#include "dataplane/packet/gate.hpp"
#include "dataplane/packet/straight.hpp"
#include "dataplane/stage/ip4_rules.hpp"
#include "dataplane/table/tables.hpp"
#include "dataplane/wire/ethernet.hpp"

namespace strata {

using ClassifyEnds =
    EndsOf<Cause::eth_truncated, Cause::eth_vlan_depth, Cause::eth_other_host, Cause::eth_unknown_type,
           Cause::ip4_truncated, Cause::ip4_bad_version, Cause::ip4_bad_header_length, Cause::ip4_bad_length,
           Cause::ip4_bad_checksum, Cause::ip4_broadcast, Cause::ip4_link_broadcast, Cause::local_foreign_source>;

struct ClassifyRest {
  const Tables& tables;
  const wire::MacAddress& mac;  // of the port that the frames came by
  Burst<stage::Arp>& arp;
  Burst<stage::Ip4>& ip4;
  Burst<stage::Ip6>& ip6;
  ClassifyEnds ends;

  using Ethernet = wire::Checked<wire::EthernetView, wire::EthernetFault>;

  static std::optional<ClassifyEnds::cause_type> refuse_frame(const Ethernet& ethernet, const wire::MacAddress& mac) {
    using Refuse = ClassifyEnds::cause_type;
    if (ethernet.fault == wire::EthernetFault::truncated) return Refuse(Cause::eth_truncated);
    if (ethernet.fault != wire::EthernetFault::none) return Refuse(Cause::eth_vlan_depth);
    if (!ethernet.view.is_to(mac) && !ethernet.view.is_to(wire::kBroadcastMac)) return Refuse(Cause::eth_other_host);
    return std::nullopt;
  }

  [[gnu::noinline]] Done refuse_broadcast(Packet<stage::Frame> frame, wire::Bytes packet,
                                          ClassifyEnds::cause_type cause) const;
};

template <LeadsTo<stage::Host> ToHost>
struct ClassifyStep : ClassifyRest {
  using stage_type = stage::Frame;

  ToHost& host;

  ClassifyStep(const ClassifyRest& rest, ToHost& to_host) : ClassifyRest(rest), host(to_host) {}

  [[gnu::always_inline]] Done input(Packet<stage::Frame> frame, const Row<stage::Frame>& row) const {
    if (wire::EthernetView::is_plain(std::as_const(frame).bytes(), mac, wire::kEtherIpv4)) [[likely]]
      return ip4_packet(std::move(frame), row, static_cast<LinkLength>(wire::kEthernetHeaderLength), false);
    return any_frame(std::move(frame), row);
  }

 private:
  // Apart from the way of most.
  [[gnu::noinline]] Done any_frame(Packet<stage::Frame> frame, Row<stage::Frame> row) const {
    const Ethernet ethernet = wire::EthernetView::check(std::as_const(frame).bytes());
    if (const auto refused = refuse_frame(ethernet, mac)) [[unlikely]]
      return ends.end(std::move(frame), *refused);
    const bool broadcast = ethernet.view.is_to(wire::kBroadcastMac);
    const auto link = static_cast<LinkLength>(ethernet.view.header_length());
    switch (ethernet.view.ethertype()) {
      case wire::kEtherIpv4: return ip4_packet(std::move(frame), row, link, broadcast);
      case wire::kEtherIpv6: return Gate::ip6(std::move(frame), row, link, ip6);
      case wire::kEtherArp: return Gate::arp(std::move(frame), row, link, arp);
      default: return ends.end(std::move(frame), Cause::eth_unknown_type);
    }
  }

  // An IPv4 packet is for us or to be forwarded; which of them, its destination says. Nothing else of it is believed or
  // checked here: that is for the stage it goes to, once.
  [[gnu::always_inline]] Done ip4_packet(Packet<stage::Frame> frame, const Row<stage::Frame>& row, LinkLength link,
                                         bool broadcast) const {
    const wire::Bytes packet = std::as_const(frame).bytes().subspan(static_cast<std::size_t>(link));
    if (packet.size() < wire::kIpv4MinHeaderLength) [[unlikely]]
      return ends.end(std::move(frame), Cause::ip4_truncated);
    const OwnAddress* mine = own4_.find(wire::read_ipv4(packet.data() + 16));
    if (mine != nullptr) [[likely]] {
      if (mine->kind == OwnKind::own) {
        if (broadcast) [[unlikely]]
          return Gate::host_of_broadcast(std::move(frame), row, link, host);
        return Gate::host(std::move(frame), row, link, host);
      }
      return refuse_broadcast(std::move(frame), packet, Cause::ip4_broadcast);
    }
    // RFC 1812 section 5.3.4: what came in a link-layer broadcast is not forwarded.
    if (broadcast) return refuse_broadcast(std::move(frame), packet, Cause::ip4_link_broadcast);
    return Gate::ip4(std::move(frame), row, link, ip4);
  }

  mutable LastFound<wire::Ipv4Address, OwnAddress> own4_{tables.own4};
};

// in: frames of one port, whose address is mac.
void classify(Burst<stage::Frame>& in, const Tables& tables, const wire::MacAddress& mac, Burst<stage::Arp>& arp,
              Burst<stage::Host>& host, Burst<stage::Ip4>& ip4, Burst<stage::Ip6>& ip6, ClassifyEnds ends);

// The same for frames of the host port: what this machine's own kernel sends, from addresses of ours alone.
void classify_host(Burst<stage::Frame>& in, const Tables& tables, Burst<stage::Arp>& arp, Burst<stage::Made>& made,
                   ClassifyEnds ends);

}  // namespace strata
