// Ethernet, VLAN tags, ARP.
#include "dataplane/wire/address.hpp"
#include "dataplane/wire/ethernet.hpp"
#include "replay/dissect/builder.hpp"
#include "replay/dissect/values.hpp"

namespace strata::replay::detail {
namespace {

Next vlan(Builder& b, Region at) {
  constexpr std::size_t kTagRest = 4;  // behind the tag's EtherType: priority and VID, then the next EtherType
  if (at.size() < kTagRest) return b.too_short(at, "VLAN tag", kTagRest);
  LayerWriter w = b.begin("VLAN", at.begin, kTagRest);
  const auto vid = static_cast<std::uint16_t>(w.u16(0) & 0xfff);
  w.field("priority", 0, 1, std::to_string(w.u8(0) >> 5));
  w.field("VID", 0, 2, std::to_string(vid));
  w.field("type", 2, 2, ether_type_text(w.u16(2)));
  w.gist("VLAN " + std::to_string(vid));
  return {Next::Kind::ether_type, w.u16(2), {at.begin + kTagRest, at.end}, {}};
}

std::string arp_gist(std::uint16_t operation, const std::string& sender_mac, const std::string& sender,
                     const std::string& target) {
  if (operation == 1) return "ARP who-has " + target + " tell " + sender;
  if (operation == 2) return "ARP " + sender + " is-at " + sender_mac;
  return "ARP operation " + std::to_string(operation);
}

Next arp(Builder& b, Region at) {
  constexpr std::size_t kFixed = 8;
  constexpr std::size_t kLength = 28;  // for Ethernet and IPv4
  if (at.size() < kFixed) return b.too_short(at, "ARP", kFixed);
  LayerWriter w = b.begin("ARP", at.begin, kFixed);
  w.number16("hardware type", 0);
  w.field("protocol type", 2, 2, ether_type_text(w.u16(2)));
  w.number8("hardware address length", 4);
  w.number8("protocol address length", 5);
  w.number16("operation", 6);
  w.gist("ARP");
  const bool ethernet_ipv4 = w.u16(0) == 1 && w.u16(2) == wire::kEtherIpv4 && w.u8(4) == 6 && w.u8(5) == 4;
  const Region rest{at.begin + kFixed, at.end};
  if (!ethernet_ipv4) return {Next::Kind::payload, 0, rest, {}};
  if (at.size() < kLength) return b.too_short(rest, "ARP addresses", kLength - kFixed);

  w.length(kLength);
  const std::string sender_mac = mac_text(w, 8);
  const std::string sender = ipv4_text(w, 14);
  const std::string target = ipv4_text(w, 24);
  w.field("sender MAC", 8, 6, sender_mac);
  w.field("sender", 14, 4, sender);
  w.field("target MAC", 18, 6, mac_text(w, 18));
  w.field("target", 24, 4, target);
  w.gist(arp_gist(w.u16(6), sender_mac, sender, target));
  b.trailer({at.begin + kLength, at.end});
  return {};
}

}  // namespace

Next ethernet(Builder& b, Region at) {
  if (at.size() < wire::kEthernetHeaderLength) return b.too_short(at, "Ethernet", wire::kEthernetHeaderLength);
  LayerWriter w = b.begin("Ethernet", at.begin, wire::kEthernetHeaderLength);
  w.field("destination", 0, 6, mac_text(w, 0));
  w.field("source", 6, 6, mac_text(w, 6));
  w.field("type", 12, 2, ether_type_text(w.u16(12)));
  return {Next::Kind::ether_type, w.u16(12), {at.begin + wire::kEthernetHeaderLength, at.end}, {}};
}

Next by_ether_type(Builder& b, const Next& next) {
  switch (next.number) {
    case wire::kEtherVlan:
    case wire::kEtherQinq: return vlan(b, next.at);
    case wire::kEtherArp: return arp(b, next.at);
    case wire::kEtherIpv4: return ipv4(b, next.at);
    case wire::kEtherIpv6: return ipv6(b, next.at);
    default: return b.payload(next.at);
  }
}

}  // namespace strata::replay::detail
