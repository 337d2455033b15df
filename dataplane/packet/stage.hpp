// The places of the journey, and what is known about a packet at each: its row.
//
// A stage is a place, not a protocol. At Ip4 there is an IPv4 packet, and nobody knows what carried it: whatever the
// layers before had to say is either named in Row<Ip4> or gone.
#pragma once

#include <concepts>
#include <cstdint>
#include <type_traits>

#include "dataplane/drop/cause_of.hpp"
#include "dataplane/packet/id.hpp"
#include "dataplane/wire/address.hpp"
#include "dataplane/wire/ecn.hpp"
#include "dataplane/wire/ipv4.hpp"

namespace strata {

// RFC 4301 section 3.1: the IPsec boundary runs between the first two. either_side: came in clear, and a SID that takes
// clear traffic says where it goes: that configuration is the permission.
enum class Side : std::uint8_t { protected_side, unprotected_side, either_side };

// The place of a packet in the burst it was received in: stages that gather from several others restore this order.
enum class Arrival : std::uint8_t {};

// A field that whoever makes a row has to say: as T, but without the zero that an aggregate would put in its place.
template <class T>
class Said {
 public:
  constexpr Said(T value) : value_(value) {}       // NOLINT(google-explicit-constructor): as T
  constexpr operator T() const { return value_; }  // NOLINT(google-explicit-constructor): as T
  template <std::integral Number>
  requires std::is_enum_v<T>
  constexpr explicit operator Number() const { return static_cast<Number>(value_); }

 private:
  T value_;
};

// Where a packet came from. Crosses every layer: policy asks for it (RFC 4301 sections 4.4.1 and 5.2).
// One word, which a row takes along in one move:   0: place   8: side   16: port   32: SA
class Origin {
 public:
  constexpr Origin(SaId sa, PortId port, Side side, Arrival place)
      : word_(std::uint64_t{sa.index()} << 32 | std::uint64_t{port.index()} << 16 |
              static_cast<std::uint64_t>(side) << 8 | static_cast<std::uint64_t>(place)) {}

  constexpr SaId sa() const { return SaId(static_cast<std::uint32_t>(word_ >> 32)); }       // none(): it came in clear
  constexpr PortId port() const { return PortId(static_cast<std::uint8_t>(word_ >> 16)); }  // received here
  // Of the port; changes once an SA or a SID has let the packet in.
  constexpr Side side() const { return static_cast<Side>(word_ >> 8 & 0xff); }
  constexpr Arrival place() const { return static_cast<Arrival>(word_ & 0xff); }

  constexpr Origin with(SaId sa) const { return Origin((word_ & 0xffffffff) | std::uint64_t{sa.index()} << 32); }
  constexpr Origin with(Side side) const {
    return Origin((word_ & ~std::uint64_t{0xff00}) | static_cast<std::uint64_t>(side) << 8);
  }
  constexpr Origin with(Arrival place) const {
    return Origin((word_ & ~std::uint64_t{0xff}) | static_cast<std::uint64_t>(place));
  }
  constexpr bool operator==(const Origin&) const = default;

 private:
  constexpr explicit Origin(std::uint64_t word) : word_(word) {}

  std::uint64_t word_;
};

// Where an IPv4 packet goes: to a neighbor, or into an SRv6 policy.
class NextHop {
 public:
  constexpr explicit NextHop(AdjId<V4> adj) : value_(adj.index()) {}
  constexpr explicit NextHop(PolicyId policy) : value_(kPolicy | policy.index()) {}
  constexpr bool is_policy() const { return (value_ & kPolicy) != 0; }
  constexpr AdjId<V4> adj() const { return AdjId<V4>(value_); }
  constexpr PolicyId policy() const { return PolicyId(value_ & ~kPolicy); }

 private:
  static constexpr std::uint32_t kPolicy = std::uint32_t{1} << 31;
  std::uint32_t value_;
};

namespace stage {
struct Frame;      // an Ethernet frame as received
struct Host;       // an IPv4 packet to an address of ours
struct EspIn;      // an ESP packet that has an inbound SA, still sealed
struct Decrypted;  // the same once its ICV was right: its text is in clear, and its trailer is still there
struct Ip6;        // an IPv6 packet, in clear or opened
struct Sr6;        // an IPv6 packet at a local SID
struct Ip4;        // an IPv4 packet
struct Steered;    // an IPv4 packet that an SRv6 policy takes, its TTL counted down
struct Sr6Out;     // an IPv6 packet that an outbound SA is to seal
struct Unsealed;   // the same laid out as the ESP packet that leaves, and still in clear
struct Out;        // a frame ready to be sent

// Of the host that a gateway is, too:
struct Arp;         // an ARP packet
struct Fragment;    // a fragment of an IPv4 packet to an address of ours
struct Local;       // an IPv4 packet to an address of ours, checked, and no ESP
struct Unresolved;  // an IPv4 packet whose next hop has no MAC address yet; as it came
struct Oversize;    // an IPv4 packet that has its next hop, and that leaves in fragments
struct Refused;     // an IPv4 packet that cannot go on, and whose sender may be told so by ICMP; as it came
struct Made;        // an IPv4 packet that this machine made: to be routed, not forwarded
}  // namespace stage

// For the picture of the journey and for --explain.
template <class Stage>
inline constexpr const char* kStageName = nullptr;
template <>
inline constexpr const char* kStageName<stage::Frame> = "Frame";
template <>
inline constexpr const char* kStageName<stage::Host> = "Host";
template <>
inline constexpr const char* kStageName<stage::EspIn> = "EspIn";
template <>
inline constexpr const char* kStageName<stage::Decrypted> = "Decrypted";
template <>
inline constexpr const char* kStageName<stage::Ip6> = "Ip6";
template <>
inline constexpr const char* kStageName<stage::Sr6> = "Sr6";
template <>
inline constexpr const char* kStageName<stage::Ip4> = "Ip4";
template <>
inline constexpr const char* kStageName<stage::Steered> = "Steered";
template <>
inline constexpr const char* kStageName<stage::Sr6Out> = "Sr6Out";
template <>
inline constexpr const char* kStageName<stage::Unsealed> = "Unsealed";
template <>
inline constexpr const char* kStageName<stage::Out> = "Out";
template <>
inline constexpr const char* kStageName<stage::Arp> = "Arp";
template <>
inline constexpr const char* kStageName<stage::Fragment> = "Fragment";
template <>
inline constexpr const char* kStageName<stage::Local> = "Local";
template <>
inline constexpr const char* kStageName<stage::Unresolved> = "Unresolved";
template <>
inline constexpr const char* kStageName<stage::Oversize> = "Oversize";
template <>
inline constexpr const char* kStageName<stage::Refused> = "Refused";
template <>
inline constexpr const char* kStageName<stage::Made> = "Made";

template <class Stage>
struct Row;

template <>
struct Row<stage::Frame> {
  Origin from;
  Said<wire::HeaderSum> sum;  // of the IPv4 header in it, as the device that received it says
};

template <>
struct Row<stage::Host> {
  Origin from;
  Said<wire::HeaderSum> sum;
  Said<bool> broadcast;  // by its Ethernet header: nobody is told of it by an ICMP error
};

template <>
struct Row<stage::EspIn> {
  Origin from;
  Said<wire::Ipv4Address> source;  // of the outer header: for the audit
  Said<wire::Ecn> carried;         // of the outer header: RFC 6040 judges it once the packet is open
};

template <>
struct Row<stage::Decrypted> {
  Origin from;
  Said<wire::Ecn> carried;  // as at EspIn
};

template <>
struct Row<stage::Ip6> {
  Origin from;
  Said<wire::Ecn> carried;  // ECN of what carried it; Not-ECT: nothing did
};

template <>
struct Row<stage::Sr6> {
  Origin from;
  SidId sid;
  Said<wire::Ecn> ecn;  // of this IPv6 packet, after RFC 6040
};

template <>
struct Row<stage::Ip4> {
  Origin from;
  AdjId<V4> adj;            // none(): the route look-up decides
  Said<wire::Ecn> carried;  // as at Ip6
};

template <>
struct Row<stage::Steered> {
  Origin from;
  PolicyId policy;
};

template <>
struct Row<stage::Sr6Out> {
  Said<Arrival> place;
  OutSaId sa;
};

template <>
struct Row<stage::Unsealed> {
  Said<Arrival> place;
  OutSaId sa;
  Said<std::uint64_t> sequence;  // its number, used up by now
};

template <>
struct Row<stage::Out> {
  Said<Arrival> place;
  PortId port;
};

template <>
struct Row<stage::Arp> {
  Origin from;
};

// Where a packet goes on once its fragments are together: as if it had come in one piece.
enum class Whole : std::uint8_t { host, local };

template <>
struct Row<stage::Fragment> {
  Origin from;
  Said<wire::Ecn> ecn;  // of its header: of the whole packet all of them decide
  Said<std::uint8_t> protocol;
  Said<Whole> whole;
  Said<bool> broadcast;  // as at Host
};

template <>
struct Row<stage::Local> {
  Origin from;
  Said<bool> broadcast;  // as at Host
};

// Which step a packet goes back to once its next hop is known.
enum class Resume : std::uint8_t { forward, output };

template <>
struct Row<stage::Unresolved> {
  Origin from;
  AdjId<V4> waits_for;
  Said<wire::Ecn> carried;  // as at Ip4
  Said<Resume> resume;
  Said<bool> cross_connect;  // the next hop is the one waited for, whatever the route says
};

template <>
struct Row<stage::Oversize> {
  Origin from;
  NextHop next_hop;
  Said<std::uint16_t> mtu;  // octets of IPv4 packet
};

// What an ICMP error says (RFC 792, RFC 1812 section 4.3.3).
enum class IcmpError : std::uint8_t {
  none,  // the sender is not told
  net_unreachable,
  host_unreachable,
  protocol_unreachable,
  port_unreachable,
  fragmentation_needed,
  time_exceeded,
};

template <>
struct Row<stage::Refused> {
  Origin from;
  RefusedCause cause;
  Said<IcmpError> error;
  Said<std::uint16_t> mtu;  // with fragmentation_needed; else 0
};

template <>
struct Row<stage::Made> {
  Origin from;  // of what it answers; of the host's own: the port that has its source address
};

// For Burst::restore_arrival_order.
template <class Stage>
constexpr Arrival place_of(const Row<Stage>& row) {
  return row.from.place();
}
constexpr Arrival place_of(const Row<stage::Out>& row) { return row.place; }

// What was received by one worker has its place anew in the burst that another one takes it in.
template <class Stage>
constexpr void set_place(Row<Stage>& row, Arrival place) {
  row.from = row.from.with(place);
}
constexpr void set_place(Row<stage::Sr6Out>& row, Arrival place) { row.place = place; }
constexpr void set_place(Row<stage::Out>& row, Arrival place) { row.place = place; }

// Rows live in the worker's first-level cache: 64 of them are 1 KiB at the most. One is put where another was (no const
// members: the burst reads it by the old name).
template <class Stage>
concept Rowed =
    sizeof(Row<Stage>) <= 16 && std::is_trivially_copyable_v<Row<Stage>>&& std::is_copy_assignable_v<Row<Stage>> &&
    !std::is_default_constructible_v<Row<Stage>>;
static_assert(Rowed<stage::Frame> && Rowed<stage::Host> && Rowed<stage::EspIn> && Rowed<stage::Decrypted> &&
              Rowed<stage::Ip6> && Rowed<stage::Sr6> && Rowed<stage::Ip4> && Rowed<stage::Steered> &&
              Rowed<stage::Sr6Out> && Rowed<stage::Unsealed> && Rowed<stage::Out> && Rowed<stage::Arp> &&
              Rowed<stage::Fragment> && Rowed<stage::Local> && Rowed<stage::Unresolved> && Rowed<stage::Oversize> &&
              Rowed<stage::Refused> && Rowed<stage::Made>);

}  // namespace strata
