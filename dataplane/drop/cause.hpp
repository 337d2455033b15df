// Where a packet's journey can end other than on the wire, as one list.
//
// The enum, the names, the sentences of --explain, the keys of --json and docs/drop-reasons.md all come from kCauses.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace strata {

// Dropped: the packet was refused. Consumed: it did what it was sent for. Punted: it is for this host, off the fast
// path.
enum class Fate : std::uint8_t { dropped, consumed, punted };

enum class Cause : std::uint8_t {
  rx_multi_segment,
  rx_shared,
  eth_truncated,
  eth_vlan_depth,
  eth_other_host,
  eth_unknown_type,
  ip4_truncated,
  ip4_bad_version,
  ip4_bad_header_length,
  ip4_bad_length,
  ip4_bad_checksum,
  ip4_martian_source,
  ip4_martian_destination,
  ip4_link_broadcast,
  ip4_broadcast,
  ip4_multicast,
  ip4_fragment,
  ip4_ttl_exceeded,
  ip4_ce_not_ect,
  ip4_no_route,
  ip4_too_big,
  ip4_too_many_fragments,
  ip4_reassembly_failed,
  ip4_reassembly_timeout,
  udp_bad_length,
  esp_truncated,
  esp_spi_zero,
  esp_no_sa,
  esp_encap_mismatch,
  esp_fragment,
  esp_seq_zero,
  esp_replayed,
  esp_replay_too_old,
  esp_bad_length,
  esp_auth_failed,
  esp_open_failed,
  esp_bad_pad,
  esp_next_header,
  esp_inner_truncated,
  esp_ce_not_ect,
  sr6_truncated,
  sr6_bad_version,
  sr6_martian_source,
  sr6_no_sid,
  sr6_exthdr_limit,
  sr6_exthdr_order,
  sr6_fragment,
  sr6_bad_option,
  sr6_unknown_routing,
  sr6_bad_srh,
  sr6_segments_left,
  sr6_upper_layer,
  policy_selector_mismatch,
  policy_unprotected,
  policy_boundary,
  policy_no_sa,
  adj_unresolved,
  adj_queue_full,
  adj_table_full,
  arp_off,
  arp_malformed,
  arp_martian,
  arp_conflict,
  icmp_truncated,
  icmp_bad_checksum,
  local_no_port,
  local_no_protocol,
  local_foreign_source,
  esp_seq_exhausted,
  esp_not_reserved,
  esp_expired,
  esp_seal_failed,
  tx_no_room,
  tx_no_buffer,
  park_wrong_stage,
  handoff_full,
  tx_full,
  esp_dummy,
  esp_nat_keepalive,
  arp_reply,
  arp_other,
  ip4_fragmented,
  ip4_reassembled,
  icmp_path_mtu,
  punt_ike,
  punt_icmp,
  punt_icmp6,
  punt_local,
  count_  // not a cause: how many there are
};

inline constexpr std::size_t kCauseCount = static_cast<std::size_t>(Cause::count_);

struct CauseText {
  Cause cause;
  Fate fate;
  std::string_view name;      // stage.cause, stable: a key of --json and of the metrics
  std::string_view sentence;  // what happened, for a person
  std::string_view source;    // the document that asks for it, "" where it is our own decision
};

// clang-format off
inline constexpr std::array<CauseText, kCauseCount> kCauses{{
    {Cause::rx_multi_segment, Fate::dropped, "rx.multi_segment", "the frame came in several buffers, and is too large for one, or none was left", ""},
    {Cause::rx_shared, Fate::dropped, "rx.shared", "the frame's buffer has another owner too, who would see it change", ""},
    {Cause::eth_truncated, Fate::dropped, "eth.truncated", "the frame is shorter than its Ethernet header and VLAN tags", "IEEE 802.3"},
    {Cause::eth_vlan_depth, Fate::dropped, "eth.vlan_depth", "the frame has more than two VLAN tags", "IEEE 802.1Q"},
    {Cause::eth_other_host, Fate::dropped, "eth.other_host", "the destination MAC is neither the port's own nor broadcast", "IEEE 802.3"},
    {Cause::eth_unknown_type, Fate::dropped, "eth.unknown_type", "the EtherType is none of IPv4, IPv6, ARP", ""},
    {Cause::ip4_truncated, Fate::dropped, "ip4.truncated", "the IPv4 header or what its total length announces is not all there", "RFC 1812 5.2.2"},
    {Cause::ip4_bad_version, Fate::dropped, "ip4.bad_version", "the version field of the IPv4 header is not 4", "RFC 1812 5.2.2"},
    {Cause::ip4_bad_header_length, Fate::dropped, "ip4.bad_header_length", "the IPv4 header length is below 5 words", "RFC 1812 5.2.2"},
    {Cause::ip4_bad_length, Fate::dropped, "ip4.bad_length", "the IPv4 total length is less than the header length", "RFC 1812 5.2.2"},
    {Cause::ip4_bad_checksum, Fate::dropped, "ip4.bad_checksum", "the IPv4 header checksum is wrong", "RFC 1812 5.2.2"},
    {Cause::ip4_martian_source, Fate::dropped, "ip4.martian_source", "the IPv4 source can never be one: 0/8, 127/8, 224/4, 240/4, own or broadcast, 169.254/16 to be forwarded", "RFC 1812 5.3.7"},
    {Cause::ip4_martian_destination, Fate::dropped, "ip4.martian_destination", "the IPv4 destination can never be forwarded to: 0/8, 127/8, 240/4, 169.254/16", "RFC 1812 5.3.7"},
    {Cause::ip4_link_broadcast, Fate::dropped, "ip4.link_broadcast", "an IPv4 packet to be forwarded came in a broadcast frame", "RFC 1812 5.3.4"},
    {Cause::ip4_broadcast, Fate::dropped, "ip4.broadcast", "the IPv4 destination is a broadcast address, which is not forwarded", "RFC 1812 5.3.5"},
    {Cause::ip4_multicast, Fate::dropped, "ip4.multicast", "the IPv4 destination is a multicast group, which is not forwarded", "RFC 1812 5.2.1"},
    {Cause::ip4_fragment, Fate::dropped, "ip4.fragment", "a fragment for this host other than of ESP, and reassembly is off", "RFC 791 3.2"},
    {Cause::ip4_ttl_exceeded, Fate::dropped, "ip4.ttl_exceeded", "the IPv4 TTL was 1 or 0 on arrival", "RFC 1812 5.3.1"},
    {Cause::ip4_ce_not_ect, Fate::dropped, "ip4.ce_not_ect", "what carried the IPv4 packet was marked CE, the packet itself Not-ECT", "RFC 6040 4.2"},
    {Cause::ip4_no_route, Fate::dropped, "ip4.no_route", "no route leads to the IPv4 destination", "RFC 1812 5.2.4.3"},
    {Cause::ip4_too_big, Fate::dropped, "ip4.too_big", "the IPv4 packet is larger than the MTU of its way and must not be fragmented", "RFC 1812 5.2.6"},
    {Cause::ip4_too_many_fragments, Fate::dropped, "ip4.too_many_fragments", "the IPv4 packet would leave in more fragments than a burst has places, or in some that lie beyond 65535 octets", ""},
    {Cause::ip4_reassembly_failed, Fate::dropped, "ip4.reassembly_failed", "fragments for this host that overlap, contradict each other, or are too many or too large", "RFC 815"},
    {Cause::ip4_reassembly_timeout, Fate::dropped, "ip4.reassembly_timeout", "fragments for this host, the others of which did not come in time", "RFC 1122 3.3.2"},
    {Cause::udp_bad_length, Fate::dropped, "udp.bad_length", "the UDP length is below 8 or more than the IPv4 packet holds", "RFC 768"},
    {Cause::esp_truncated, Fate::dropped, "esp.truncated", "too short for an ESP header, IV, trailer and ICV", "RFC 4303 2"},
    {Cause::esp_spi_zero, Fate::dropped, "esp.spi_zero", "SPI 0 is never an SA", "RFC 4303 2.1"},
    {Cause::esp_no_sa, Fate::dropped, "esp.no_sa", "no SA has this SPI at this address", "RFC 4303 3.4.2"},
    {Cause::esp_encap_mismatch, Fate::dropped, "esp.encap_mismatch", "the SA is there, but its udp_encap says another encapsulation or UDP port", "RFC 3948 2.1"},
    {Cause::esp_fragment, Fate::dropped, "esp.fragment", "an IPv4 fragment was offered to ESP, and reassembly is off", "RFC 4303 3.4.1"},
    {Cause::esp_seq_zero, Fate::dropped, "esp.seq_zero", "sequence number 0 is never sent by a peer with anti-replay", "RFC 4303 3.3.3"},
    {Cause::esp_replayed, Fate::dropped, "esp.replayed", "this sequence number was received before", "RFC 4303 3.4.3"},
    {Cause::esp_replay_too_old, Fate::dropped, "esp.replay_too_old", "the sequence number is left of the replay window", "RFC 4303 3.4.3"},
    {Cause::esp_bad_length, Fate::dropped, "esp.bad_length", "the ciphertext is not aligned to 4 octets, or the pad length exceeds it", "RFC 4303 2.4"},
    {Cause::esp_auth_failed, Fate::dropped, "esp.auth_failed", "the ICV is wrong: altered on the way, or not the peer's key", "RFC 4303 3.4.4"},
    {Cause::esp_open_failed, Fate::dropped, "esp.open_failed", "the cipher reported an error; nothing goes on that was not opened", ""},
    {Cause::esp_bad_pad, Fate::dropped, "esp.bad_pad", "the padding is not 1, 2, 3, ...", "RFC 4303 2.4"},
    {Cause::esp_next_header, Fate::dropped, "esp.next_header", "the ESP next header is not IPv6 (41)", "RFC 4303 2.6"},
    {Cause::esp_inner_truncated, Fate::dropped, "esp.inner_truncated", "the decrypted IPv6 packet announces more octets than ESP carried", "RFC 4303 2.7"},
    {Cause::esp_ce_not_ect, Fate::dropped, "esp.ce_not_ect", "the outer IPv4 header was marked CE, the IPv6 packet inside Not-ECT", "RFC 6040 4.2"},
    {Cause::sr6_truncated, Fate::dropped, "sr6.truncated", "the IPv6 packet or an extension header is cut short", "RFC 8200 3"},
    {Cause::sr6_bad_version, Fate::dropped, "sr6.bad_version", "the version field of the IPv6 header is not 6", "RFC 8200 3"},
    {Cause::sr6_martian_source, Fate::dropped, "sr6.martian_source", "the IPv6 source is multicast, unspecified or loopback", "RFC 4291 2.5"},
    {Cause::sr6_no_sid, Fate::dropped, "sr6.no_sid", "the IPv6 destination is no local SID and no address of this host", "RFC 8754 4.3.2"},
    {Cause::sr6_exthdr_limit, Fate::dropped, "sr6.exthdr_limit", "more IPv6 extension headers than are walked", "RFC 8200 4.1"},
    {Cause::sr6_exthdr_order, Fate::dropped, "sr6.exthdr_order", "a Hop-by-Hop header that is not the first", "RFC 8200 4.1"},
    {Cause::sr6_fragment, Fate::dropped, "sr6.fragment", "an IPv6 fragment for a local SID; not reassembled", "RFC 8200 4.5"},
    {Cause::sr6_bad_option, Fate::dropped, "sr6.bad_option", "an option of an extension header is unknown and asks for the packet to be discarded, or is cut short", "RFC 8200 4.2"},
    {Cause::sr6_unknown_routing, Fate::dropped, "sr6.unknown_routing", "a routing header that is no SRH and still has segments left", "RFC 8200 4.4"},
    {Cause::sr6_bad_srh, Fate::dropped, "sr6.bad_srh", "the SRH contradicts itself: header length, Last Entry, Segments Left", "RFC 8754 4.3.1.1"},
    {Cause::sr6_segments_left, Fate::dropped, "sr6.segments_left", "the SRH has segments left at a SID that must be the last", "RFC 8986 4.5"},
    {Cause::sr6_upper_layer, Fate::dropped, "sr6.upper_layer", "what the IPv6 packet carries is not what the SID's behaviour takes", "RFC 8986 4.1.1"},
    {Cause::policy_selector_mismatch, Fate::dropped, "policy.selector_mismatch", "the decrypted packet is not what its SA is for", "RFC 4301 5.2"},
    {Cause::policy_unprotected, Fate::dropped, "policy.unprotected", "a clear packet to a SID that takes protected traffic only", "RFC 4301 5.2"},
    {Cause::policy_boundary, Fate::dropped, "policy.boundary", "a clear packet would cross between the protected and the unprotected side", "RFC 4301 3.1"},
    {Cause::policy_no_sa, Fate::dropped, "policy.no_sa", "an SRv6 policy asks for an outbound SA and none is usable", "RFC 4301 5.1"},
    {Cause::adj_unresolved, Fate::dropped, "adj.unresolved", "the MAC address of the next hop is not known", "RFC 1812 3.3.2"},
    {Cause::adj_queue_full, Fate::dropped, "adj.queue_full", "the next hop is being asked for its MAC address, and enough packets wait for it (arp.hold)", "RFC 1122 2.3.2.2"},
    {Cause::adj_table_full, Fate::dropped, "adj.table_full", "a neighbor to be asked for its MAC address, and no room for one more on its port (arp.neighbors)", ""},
    {Cause::arp_off, Fate::dropped, "arp.off", "ARP, which is switched off here", ""},
    {Cause::arp_malformed, Fate::dropped, "arp.malformed", "the ARP packet is cut short, or not about IPv4 over Ethernet", "RFC 826"},
    {Cause::arp_martian, Fate::dropped, "arp.martian", "an ARP packet from an address that is not on this link, or of a MAC address that is no one station's", "RFC 826"},
    {Cause::arp_conflict, Fate::dropped, "arp.conflict", "another station claims an address of ours", "RFC 5227 2.4"},
    {Cause::icmp_truncated, Fate::dropped, "icmp.truncated", "the ICMP message to an own address is shorter than its header", "RFC 792"},
    {Cause::icmp_bad_checksum, Fate::dropped, "icmp.bad_checksum", "the checksum of the ICMP message to an own address is wrong", "RFC 1122 3.2.2"},
    {Cause::local_no_port, Fate::dropped, "local.no_port", "UDP to an own address, where nobody listens", "RFC 1122 4.1.3.1"},
    {Cause::local_no_protocol, Fate::dropped, "local.no_protocol", "a protocol to an own address that nobody here speaks", "RFC 1122 3.2.2.1"},
    {Cause::local_foreign_source, Fate::dropped, "local.foreign_source", "the host port sent a packet whose source is no address of the gateway", ""},
    {Cause::esp_seq_exhausted, Fate::dropped, "esp.seq_exhausted", "the outbound SA has used up its sequence numbers; it needs a new key", "RFC 4303 3.3.3"},
    {Cause::esp_not_reserved, Fate::dropped, "esp.not_reserved", "the outbound SA has used what the state file reserves for it, and no more could be reserved in time", "RFC 8221 3"},
    {Cause::esp_expired, Fate::dropped, "esp.expired", "the SA's hard lifetime is over; it needs a new key", "RFC 4301 4.4.2.1"},
    {Cause::esp_seal_failed, Fate::dropped, "esp.seal_failed", "the cipher reported an error; nothing is sent that may not be sealed", ""},
    {Cause::tx_no_room, Fate::dropped, "tx.no_room", "the packet's buffer has no room for the headers of the tunnel", ""},
    {Cause::tx_no_buffer, Fate::dropped, "tx.no_buffer", "no packet buffer was left for what was to be made of the packet", ""},
    {Cause::park_wrong_stage, Fate::dropped, "park.wrong_stage", "a parked packet was picked up as another stage: a fault of this program", ""},
    {Cause::handoff_full, Fate::dropped, "handoff.full", "the ring to the worker that has to go on with it was full", ""},
    {Cause::tx_full, Fate::dropped, "tx.full", "the port's transmit queue was full", ""},
    {Cause::esp_dummy, Fate::consumed, "esp.dummy", "an ESP dummy packet (next header 59)", "RFC 4303 2.6"},
    {Cause::esp_nat_keepalive, Fate::consumed, "esp.nat_keepalive", "a NAT keepalive (one octet FF)", "RFC 3948 2.3"},
    {Cause::arp_reply, Fate::consumed, "arp.reply", "an answer to an ARP request", "RFC 826"},
    {Cause::arp_other, Fate::consumed, "arp.other", "an ARP request for another's address, or an announcement", "RFC 826"},
    {Cause::ip4_fragmented, Fate::consumed, "ip4.fragmented", "the IPv4 packet was larger than the MTU of its way and left in fragments", "RFC 1812 5.2.6"},
    {Cause::ip4_reassembled, Fate::consumed, "ip4.reassembled", "a fragment for this host that went into a whole packet", "RFC 1122 3.3.2"},
    {Cause::icmp_path_mtu, Fate::consumed, "icmp.path_mtu", "a router told of a smaller MTU on the way of a tunnel's packets", "RFC 1191, RFC 8201"},
    {Cause::punt_ike, Fate::punted, "punt.ike", "IKE, for the key daemon", "RFC 3948 2.2"},
    {Cause::punt_icmp, Fate::punted, "punt.icmp", "ICMP to an own address", "RFC 1122 3.2.2"},
    {Cause::punt_icmp6, Fate::punted, "punt.icmp6", "ICMPv6 to an own address", "RFC 4443"},
    {Cause::punt_local, Fate::punted, "punt.local", "another protocol than ICMPv6 to an own IPv6 address", "RFC 1122 3.3"},
}};
// clang-format on

constexpr const CauseText& text_of(Cause c) { return kCauses[static_cast<std::size_t>(c)]; }

// nullptr: there is none of this name.
constexpr const CauseText* cause_named(std::string_view name) {
  for (const CauseText& text : kCauses)
    if (text.name == name) return &text;
  return nullptr;
}

// The table is indexed by the enum: every row must stand in its own place.
constexpr bool causes_in_order() {
  for (std::size_t i = 0; i < kCauseCount; ++i)
    if (kCauses[i].cause != static_cast<Cause>(i)) return false;
  return true;
}
static_assert(causes_in_order(), "kCauses must list the causes in the order of the enum");

}  // namespace strata
