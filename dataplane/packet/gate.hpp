// The transitions: the only way from one stage to the next, and by name all that a packet takes along.
//
// What drivers and libraries say of a packet in its mbuf is forgotten at the door: of the flags those on a keep-list
// stay, the other fields are written anew (forget). From then on nothing is said there, which each transition asserts;
// what a stage knows of a packet stands in its row, and the next row is built field by field.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <span>

#include "dataplane/ipsec/authentic.hpp"
#include "dataplane/packet/burst.hpp"

namespace strata {

enum class LinkLength : std::uint8_t {};    // octets of the Ethernet header with its tags
enum class OuterLength : std::uint16_t {};  // octets of the IPv6 header with its extension headers

// Where in a packet the next one lies.
struct Within {
  std::size_t offset;
  std::size_t length;
};

using EthernetHeader = std::array<std::uint8_t, 14>;
// The first 8 octets of an IPv6 header as they lie in memory, and the rest of it.
enum class Ipv6Begin : std::uint64_t {};
inline constexpr std::size_t kIpv6Addresses = 32;

// Which stages a transition may start from, where there are several.
template <class Stage>
concept Routed = std::same_as<Stage, stage::Ip4> || std::same_as<Stage, stage::Made>;
template <class Stage>
concept Cuttable = Routed<Stage> || std::same_as<Stage, stage::Local>;
template <class Stage>
concept Forwarded = Routed<Stage> || std::same_as<Stage, stage::Oversize>;
template <class Stage>
concept Linkable = Forwarded<Stage> || std::same_as<Stage, stage::Local>;
template <class Stage>
concept Refusable = std::same_as<Stage, stage::Ip4> || std::same_as<Stage, stage::Local>;
template <class Stage>
concept Answered = std::same_as<Stage, stage::Local> || std::same_as<Stage, stage::Refused>;

class Gate {
 public:
  // An IPv4 packet for this host: nothing is checked yet.
  [[gnu::always_inline]] static Done host(Packet<stage::Frame>&& frame, const Row<stage::Frame>& was, LinkLength link,
                                          LeadsTo<stage::Host> auto& out) {
    return host_part(take(std::move(frame)), link, {.from = was.from, .sum = was.sum, .broadcast = false}, out);
  }
  static Done host_of_broadcast(Packet<stage::Frame>&& frame, const Row<stage::Frame>& was, LinkLength link,
                                LeadsTo<stage::Host> auto& out) {
    return host_part(take(std::move(frame)), link, {.from = was.from, .sum = was.sum, .broadcast = true}, out);
  }

  // An IPv4 packet in clear: nothing carried it, and the route look-up finds its way.
  static Done ip4(Packet<stage::Frame>&& frame, const Row<stage::Frame>& was, LinkLength link, Burst<stage::Ip4>& out) {
    rte_mbuf* buffer = take(std::move(frame));
    cut_front(buffer, static_cast<std::size_t>(link));
    return push(buffer, Row<stage::Ip4>{.from = was.from, .adj = AdjId<V4>::none(), .carried = wire::Ecn::not_ect},
                out);
  }

  // An ARP packet.
  static Done arp(Packet<stage::Frame>&& frame, const Row<stage::Frame>& was, LinkLength link, Burst<stage::Arp>& out) {
    rte_mbuf* buffer = take(std::move(frame));
    cut_front(buffer, static_cast<std::size_t>(link));
    return push(buffer, Row<stage::Arp>{.from = was.from}, out);
  }

  // An IPv4 packet of this machine's own kernel. `side` is its source address's.
  static Done of_host(Packet<stage::Frame>&& frame, const Row<stage::Frame>& was, LinkLength link, Side side,
                      Burst<stage::Made>& out) {
    rte_mbuf* buffer = take(std::move(frame));
    cut_front(buffer, static_cast<std::size_t>(link));
    return push(buffer, Row<stage::Made>{.from = was.from.with(side)}, out);
  }

  // An IPv6 packet in clear.
  static Done ip6(Packet<stage::Frame>&& frame, const Row<stage::Frame>& was, LinkLength link, Burst<stage::Ip6>& out) {
    rte_mbuf* buffer = take(std::move(frame));
    cut_front(buffer, static_cast<std::size_t>(link));
    return push(buffer, Row<stage::Ip6>{.from = was.from, .carried = wire::Ecn::not_ect}, out);
  }

  // From the outer IPv4 packet to the ESP packet in it. The source goes along for the audit, ECN for RFC 6040.
  static Done esp(Packet<stage::Host>&& host, const Row<stage::Host>& was, Within esp, SaId sa,
                  wire::Ipv4Address source, wire::Ecn ecn, LeadsTo<stage::EspIn> auto& out) {
    rte_mbuf* buffer = take(std::move(host));
    cut_to(buffer, esp);
    return push(buffer, Row<stage::EspIn>{.from = was.from.with(sa), .source = source, .carried = ecn}, out);
  }

  // host and esp in one, of a frame whose head says what that of `like` said (stage/esp_in_fast_path.hpp).
  static Done esp_like(Packet<stage::Frame>&& frame, const Row<stage::Frame>& was, Within esp, SaId sa,
                       const Row<stage::EspIn>& like, Burst<stage::EspIn>& out) {
    rte_mbuf* buffer = take(std::move(frame));
    cut_to(buffer, esp);
    return push(buffer, Row<stage::EspIn>{.from = was.from.with(sa), .source = like.source, .carried = like.carried},
                out);
  }

  // A fragment of `total` octets for this host. Out of a tunnel it is none of ESP any more.
  static Done fragment(Packet<stage::Host>&& host, const Row<stage::Host>& was, std::size_t total, wire::Ecn ecn,
                       std::uint8_t protocol, Burst<stage::Fragment>& out) {
    return fragment_part(
        take(std::move(host)), total,
        {.from = was.from, .ecn = ecn, .protocol = protocol, .whole = Whole::host, .broadcast = was.broadcast}, out);
  }
  static Done fragment(Packet<stage::Ip4>&& packet, const Row<stage::Ip4>& was, std::size_t total, wire::Ecn ecn,
                       std::uint8_t protocol, Burst<stage::Fragment>& out) {
    return fragment_part(
        take(std::move(packet)), total,
        {.from = was.from, .ecn = ecn, .protocol = protocol, .whole = Whole::local, .broadcast = false}, out);
  }

  // An IPv4 packet of `total` octets for this host that is no ESP; it came in clear, or out of a tunnel.
  static Done local(Packet<stage::Host>&& host, const Row<stage::Host>& was, std::size_t total,
                    Burst<stage::Local>& out) {
    return local_part(take(std::move(host)), {.from = was.from, .broadcast = was.broadcast}, total, out);
  }
  static Done local(Packet<stage::Ip4>&& packet, const Row<stage::Ip4>& was, std::size_t total,
                    Burst<stage::Local>& out) {
    return local_part(take(std::move(packet)), {.from = was.from, .broadcast = false}, total, out);
  }

  // An ESP packet whose ICV was right.
  static Done decrypted(Packet<stage::EspIn>&& sealed, const Row<stage::EspIn>& was, Authentic,
                        Burst<stage::Decrypted>& out) {
    return push(take(std::move(sealed)), Row<stage::Decrypted>{.from = was.from, .carried = was.carried}, out);
  }

  // From there to the IPv6 packet in it. From here on it counts as protected traffic.
  static Done opened(Packet<stage::Decrypted>&& esp, const Row<stage::Decrypted>& was, Within inner,
                     LeadsTo<stage::Ip6> auto& out) {
    rte_mbuf* buffer = take(std::move(esp));
    cut_to(buffer, inner);
    return push(buffer, Row<stage::Ip6>{.from = was.from.with(Side::protected_side), .carried = was.carried}, out);
  }

  // An IPv6 packet that has come to a local SID. `total` cuts what follows the packet (RFC 4303 section 2.7).
  static Done at_sid(Packet<stage::Ip6>&& packet, const Row<stage::Ip6>& was, std::size_t total, SidId sid,
                     wire::Ecn ecn, LeadsTo<stage::Sr6> auto& out) {
    rte_mbuf* buffer = take(std::move(packet));
    cut_to(buffer, {0, total});
    return push(buffer, Row<stage::Sr6>{.from = was.from, .sid = sid, .ecn = ecn}, out);
  }

  // RFC 8986 section 4.5: the IPv6 header and all its extension headers go, and with them all that was known of them.
  static Done decapsulated(Packet<stage::Sr6>&& packet, const Row<stage::Sr6>& was, OuterLength outer, AdjId<V4> adj,
                           LeadsTo<stage::Ip4> auto& out) {
    rte_mbuf* buffer = take(std::move(packet));
    cut_front(buffer, static_cast<std::size_t>(outer));
    return push(buffer, Row<stage::Ip4>{.from = past_sid(was.from), .adj = adj, .carried = was.ecn}, out);
  }

  // opened, at_sid, decapsulated and linked in one (stage/dx4_fast_path.hpp).
  static Done cross_connected(Packet<stage::Decrypted>&& packet, const Row<stage::Decrypted>& was, const LetIn&,
                              Within ip4, const EthernetHeader& header, PortId port, Burst<stage::Out>& out) {
    assert(!was.from.sa().is_none());
    rte_mbuf* buffer = take(std::move(packet));
    cut_to(buffer, ip4);
    return link(buffer, was.from.place(), header, port, out);
  }

  // An IPv4 packet of `total` octets that a policy takes. What carried it is forgotten here too.
  template <Forwarded Stage>
  static Done steered(Packet<Stage>&& packet, const Row<Stage>& was, std::size_t total, PolicyId policy,
                      LeadsTo<stage::Steered> auto& out) {
    rte_mbuf* buffer = take(std::move(packet));
    cut_to(buffer, {0, total});
    return push(buffer, Row<stage::Steered>{.from = was.from, .policy = policy}, out);
  }

  // The same, where it is larger than its way takes.
  template <Cuttable Stage>
  static Done oversize(Packet<Stage>&& packet, const Row<Stage>& was, std::size_t total, NextHop next_hop,
                       std::uint16_t mtu, Burst<stage::Oversize>& out) {
    rte_mbuf* buffer = take(std::move(packet));
    cut_to(buffer, {0, total});
    return push(buffer, Row<stage::Oversize>{.from = was.from, .next_hop = next_hop, .mtu = mtu}, out);
  }

  // Untouched, so that it can go on later as if it came only then. waits_for is the way `cross_connect` says, or
  // belongs to the one that the route leads to.
  static Done unresolved(Packet<stage::Ip4>&& packet, const Row<stage::Ip4>& was, AdjId<V4> waits_for,
                         Burst<stage::Unresolved>& out) {
    const Row<stage::Unresolved> row{.from = was.from,
                                     .waits_for = waits_for,
                                     .carried = was.carried,
                                     .resume = Resume::forward,
                                     .cross_connect = !was.adj.is_none()};
    return push(take(std::move(packet)), row, out);
  }
  static Done unresolved(Packet<stage::Made>&& packet, const Row<stage::Made>& was, AdjId<V4> waits_for,
                         Burst<stage::Unresolved>& out) {
    const Row<stage::Unresolved> row{.from = was.from,
                                     .waits_for = waits_for,
                                     .carried = wire::Ecn::not_ect,
                                     .resume = Resume::output,
                                     .cross_connect = false};
    return push(take(std::move(packet)), row, out);
  }

  // What waited is back where it was.
  static Done resumed(Packet<stage::Unresolved>&& packet, const Row<stage::Unresolved>& was, Burst<stage::Ip4>& ip4,
                      Burst<stage::Made>& made) {
    rte_mbuf* buffer = take(std::move(packet));
    if (was.resume == Resume::output) return push(buffer, Row<stage::Made>{.from = was.from}, made);
    const AdjId<V4> adj = was.cross_connect ? was.waits_for : AdjId<V4>::none();
    return push(buffer, Row<stage::Ip4>{.from = was.from, .adj = adj, .carried = was.carried}, ip4);
  }
  static Done given_up(Packet<stage::Unresolved>&& packet, const Row<stage::Unresolved>& was, std::size_t total,
                       Burst<stage::Refused>& out) {
    rte_mbuf* buffer = take(std::move(packet));
    cut_to(buffer, {0, total});
    const Row<stage::Refused> row{.from = was.from,
                                  .cause = Cause::adj_unresolved,
                                  .error = IcmpError::host_unreachable,
                                  .mtu = std::uint16_t{0}};
    return push(buffer, row, out);
  }

  // As it came, for an ICMP error to quote.
  template <Refusable Stage>
  static Done refused(Packet<Stage>&& packet, const Row<Stage>& was, std::size_t total, RefusedCause cause,
                      IcmpError error, std::uint16_t mtu, Burst<stage::Refused>& out) {
    rte_mbuf* buffer = take(std::move(packet));
    cut_to(buffer, {0, total});
    return push(buffer, Row<stage::Refused>{.from = was.from, .cause = cause, .error = error, .mtu = mtu}, out);
  }

  // A packet becomes the answer to itself: its first `kept` octets behind a new front.
  template <Answered Stage>
  static Done answered(Packet<Stage>&& packet, const Row<Stage>& was, std::span<const std::uint8_t> front, Within kept,
                       Burst<stage::Made>& out) {
    rte_mbuf* buffer = take(std::move(packet));
    cut_to(buffer, kept);
    make_room(buffer, front.size(), 0);
    grow_front(buffer, front.size());
    std::memcpy(rte_pktmbuf_mtod(buffer, void*), front.data(), front.size());
    return push(buffer, Row<stage::Made>{.from = was.from}, out);
  }

  // An ARP request, answered where it stood.
  static Done arp_answered(Packet<stage::Arp>&& packet, const Row<stage::Arp>& was,
                           std::span<const std::uint8_t> answer, const EthernetHeader& header, Burst<stage::Out>& out) {
    rte_mbuf* buffer = take(std::move(packet));
    cut_to(buffer, {0, answer.size()});
    std::memcpy(rte_pktmbuf_mtod(buffer, void*), answer.data(), answer.size());
    return link(buffer, was.from.place(), header, was.from.port(), out);
  }

  // Whether a packet can grow by that many octets at its front and its end, if need be by moving it in its buffer.
  template <class Stage>
  static bool has_room(const Packet<Stage>& packet, std::size_t front, std::size_t end) {
    const rte_mbuf* buffer = packet.buffer_;
    return std::size_t{buffer->buf_len} >= buffer->data_len + front + end;
  }

  // An IPv6 header, and an SRH of any length, none too. header: both; `first` stands in the place of its first 8
  // octets.
  [[gnu::always_inline]] static void write_ipv6(std::uint8_t* at, Ipv6Begin first,
                                                std::span<const std::uint8_t> header) {
    std::memcpy(at, &first, sizeof first);
    std::memcpy(at + sizeof first, header.data() + sizeof first, kIpv6Addresses);
    std::copy(header.begin() + sizeof first + kIpv6Addresses, header.end(), at + sizeof first + kIpv6Addresses);
  }

  // RFC 8986 section 5.1: these are pushed. The caller has asked has_room(); room is kept for what esp_seal adds.
  static Done encapsulated(Packet<stage::Steered>&& packet, const Row<stage::Steered>& was, Ipv6Begin first,
                           std::span<const std::uint8_t> header, OutSaId sa, LeadsTo<stage::Sr6Out> auto& out) {
    rte_mbuf* buffer = take(std::move(packet));
    make_room(buffer, header.size() + kSealFront, kSealEnd);
    grow_front(buffer, header.size());
    write_ipv6(rte_pktmbuf_mtod(buffer, std::uint8_t*), first, header);
    return push(buffer, Row<stage::Sr6Out>{.place = was.from.place(), .sa = sa}, out);
  }

  // The octets that the headers before ESP, its own, IV, padding, trailer and ICV take, made part of the packet for the
  // caller to fill. Still the same stage. The room was asked for before encapsulated().
  static std::span<std::uint8_t> open_for_sealing(Packet<stage::Sr6Out>& packet, std::size_t front, std::size_t end) {
    rte_mbuf* buffer = packet.buffer_;
    grow_front(buffer, front);
    buffer->data_len = static_cast<std::uint16_t>(buffer->data_len + end);
    return packet.bytes();
  }

  // The same in one look at an IPv4 packet of `total` octets (stage/seal_fast_path.hpp): whether the headers can be put
  // before and behind it where it lies, and their octets.
  static bool can_open(const Packet<stage::Ip4>& packet, std::size_t total, std::size_t header) {
    const rte_mbuf* buffer = packet.buffer_;
    return has_room_around(buffer, header + kSealFront, total, kSealEnd);
  }
  static std::span<std::uint8_t> open_for_sealing(Packet<stage::Ip4>& packet, std::size_t total, std::size_t front,
                                                  std::size_t end) {
    rte_mbuf* buffer = packet.buffer_;
    cut_to(buffer, {0, total});
    buffer->data_off = static_cast<std::uint16_t>(buffer->data_off - front);
    buffer->data_len = static_cast<std::uint16_t>(front + total + end);
    return packet.bytes();
  }
  // steered, encapsulated and laid_out in one. What carried it is forgotten here too.
  static Done laid_out(Packet<stage::Ip4>&& packet, const Row<stage::Ip4>& was, OutSaId sa, std::uint64_t sequence,
                       Burst<stage::Unsealed>& out) {
    return push(take(std::move(packet)),
                Row<stage::Unsealed>{.place = was.from.place(), .sa = sa, .sequence = sequence}, out);
  }

  // Once they are filled, all but the ICV.
  static Done laid_out(Packet<stage::Sr6Out>&& packet, const Row<stage::Sr6Out>& was, std::uint64_t sequence,
                       Burst<stage::Unsealed>& out) {
    return push(take(std::move(packet)), Row<stage::Unsealed>{.place = was.place, .sa = was.sa, .sequence = sequence},
                out);
  }

  // A sealed packet with its link header: nothing but ciphertext and what was made for it goes along.
  static Done sealed(Packet<stage::Unsealed>&& packet, const Row<stage::Unsealed>& was, Sealed,
                     const EthernetHeader& header, PortId port, Burst<stage::Out>& out) {
    return link(take(std::move(packet)), was.place, header, port, out);
  }

  // An IPv4 packet of `total` octets and the link header before it: a frame for a port.
  template <Linkable Stage>
  static Done linked(Packet<Stage>&& packet, const Row<Stage>& was, std::size_t total, const EthernetHeader& header,
                     PortId port, Burst<stage::Out>& out) {
    rte_mbuf* buffer = take(std::move(packet));
    cut_to(buffer, {0, total});
    return link(buffer, was.from.place(), header, port, out);
  }

  // What sealing puts before an IPv6 packet: Ethernet 14, IPv4 20, UDP 8, ESP 8, IV 8.
  static constexpr std::size_t kSealFront = 14 + 20 + 8 + 8 + 8;
  // And behind it: padding up to 3, trailer 2, ICV 16.
  static constexpr std::size_t kSealEnd = 3 + 2 + 16;

 private:
  friend class PortIo;  // the doors
  friend class Maker;
  friend class Reassembly;

  static constexpr std::uint64_t kKeptFlags = RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;

  // What stays is who owns the memory. All else is a verdict on the layer that is being left, or on where it came from,
  // which the row says: a keep-list stays right when a new flag is invented. tx_offload and the rest of the second line
  // are never read: no flag that asks for them is ever set.
  static void forget(rte_mbuf* buffer) {
    buffer->ol_flags &= kKeptFlags;
    buffer->port = RTE_MBUF_PORT_INVALID;
    buffer->packet_type = 0;
    buffer->vlan_tci = 0;
    buffer->vlan_tci_outer = 0;
    buffer->hash.fdir.lo = 0;
    buffer->hash.fdir.hi = 0;
  }

  static bool is_forgotten(const rte_mbuf* buffer) {
    return (buffer->ol_flags & ~kKeptFlags) == 0 && buffer->port == RTE_MBUF_PORT_INVALID && buffer->packet_type == 0 &&
           buffer->vlan_tci == 0 && buffer->vlan_tci_outer == 0 && buffer->hash.fdir.lo == 0 &&
           buffer->hash.fdir.hi == 0;
  }

  // Out of its stage, as every transition begins. What was said of it was forgotten at the door, and nobody on the way
  // says anything into a buffer: what is known of a packet is in its row.
  template <class Stage>
  static rte_mbuf* take(Packet<Stage>&& packet) {
    rte_mbuf* buffer = Access::release(std::move(packet));
    assert(is_forgotten(buffer));
    return buffer;
  }

  // On the way a packet is as long as its one segment; what drivers ask for too is written where it leaves.
  static void cut_front(rte_mbuf* buffer, std::size_t n) {
    assert(n <= buffer->data_len);
    buffer->data_off = static_cast<std::uint16_t>(buffer->data_off + n);
    buffer->data_len = static_cast<std::uint16_t>(buffer->data_len - n);
  }

  static void cut_to(rte_mbuf* buffer, Within part) {
    assert(part.offset + part.length <= buffer->data_len);
    buffer->data_off = static_cast<std::uint16_t>(buffer->data_off + part.offset);
    buffer->data_len = static_cast<std::uint16_t>(part.length);
  }

  static void grow_front(rte_mbuf* buffer, std::size_t n) {
    assert(n <= buffer->data_off);
    buffer->data_off = static_cast<std::uint16_t>(buffer->data_off - n);
    buffer->data_len = static_cast<std::uint16_t>(buffer->data_len + n);
  }

  // Where its first `length` octets lie.
  static bool has_room_around(const rte_mbuf* buffer, std::size_t front, std::size_t length, std::size_t end) {
    return buffer->data_off >= front && buffer->data_off + length + end <= buffer->buf_len;
  }

  // Long segment lists want more room than a driver leaves before a packet, and one that fills its buffer has none
  // behind it: then it moves. The caller has asked has_room().
  static void make_room(rte_mbuf* buffer, std::size_t front, std::size_t end) {
    const std::size_t length = buffer->data_len;
    if (has_room_around(buffer, front, length, end)) [[likely]]
      return;
    assert(front + length + end <= buffer->buf_len);
    const std::uint8_t* data = rte_pktmbuf_mtod(buffer, std::uint8_t*);
    buffer->data_off = static_cast<std::uint16_t>(front);
    std::memmove(rte_pktmbuf_mtod(buffer, std::uint8_t*), data, length);
  }

  // Every way to here took an Ethernet header off or asked has_room(), so there is room for one.
  static Done link(rte_mbuf* buffer, Arrival place, const EthernetHeader& header, PortId port, Burst<stage::Out>& out) {
    grow_front(buffer, header.size());
    buffer->pkt_len = buffer->data_len;
    std::memcpy(rte_pktmbuf_mtod(buffer, void*), header.data(), header.size());
    return push(buffer, Row<stage::Out>{.place = place, .port = port}, out);
  }

  [[gnu::always_inline]] static Done host_part(rte_mbuf* buffer, LinkLength link, const Row<stage::Host>& row,
                                               LeadsTo<stage::Host> auto& out) {
    cut_front(buffer, static_cast<std::size_t>(link));
    return push(buffer, row, out);
  }

  static Done local_part(rte_mbuf* buffer, const Row<stage::Local>& row, std::size_t total, Burst<stage::Local>& out) {
    cut_to(buffer, {0, total});
    return push(buffer, row, out);
  }

  static Done fragment_part(rte_mbuf* buffer, std::size_t total, const Row<stage::Fragment>& row,
                            Burst<stage::Fragment>& out) {
    cut_to(buffer, {0, total});
    return push(buffer, row, out);
  }

  // What an SA protected stays so; what came in clear has the SID's word for wherever that sends it.
  static Origin past_sid(const Origin& from) {
    assert(from.sa().is_none() || from.side() == Side::protected_side);
    return from.sa().is_none() ? from.with(Side::either_side) : from;
  }

  template <class Stage>
  [[gnu::always_inline]] static Done push(rte_mbuf* buffer, const Row<Stage>& row, LeadsTo<Stage> auto& out) {
    return out.push(Access::adopt<Stage>(buffer), row);
  }
};

}  // namespace strata
