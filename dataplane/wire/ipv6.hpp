// The IPv6 header (RFC 8200 section 3), and the bounded walk over the extension headers (section 4, RFC 8754
// section 4.3) to the upper layer.
//
//   0: version 4 | traffic class 8 (DSCP 6, ECN 2) | flow label 20   4: payload length   6: next header   7: hop limit
//   8: source   24: destination   40: extension headers and upper layer
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>

#include "dataplane/wire/bytes.hpp"
#include "dataplane/wire/protocol.hpp"
#include "dataplane/wire/srh.hpp"

namespace strata::wire {

inline constexpr std::size_t kIpv6HeaderLength = 40;

enum class Ipv6Fault : std::uint8_t { none, truncated, bad_version, bad_length };

class Ipv6View {
 public:
  // packet: from the version octet; more octets than the payload length says are allowed (Ethernet padding, and
  // RFC 4303 section 2.7). truncated: less than the header; bad_length: it announces more than is there.
  static Checked<Ipv6View, Ipv6Fault> check(Bytes packet) {
    const std::uint8_t* p = packet.data();
    if (packet.size() < kIpv6HeaderLength) [[unlikely]]
      return {{}, Ipv6Fault::truncated};
    if ((p[0] >> 4) != 6) [[unlikely]]
      return {{}, Ipv6Fault::bad_version};
    if (kIpv6HeaderLength + load_be16(p + 4) > packet.size()) [[unlikely]]
      return {{}, Ipv6Fault::bad_length};
    return {Ipv6View(p), Ipv6Fault::none};
  }

  // packet: check() has found it right.
  static Ipv6View of_checked(Bytes packet) {
    assert(check(packet));
    return Ipv6View(packet.data());
  }

  std::uint8_t traffic_class() const { return static_cast<std::uint8_t>(load_be16(data_) >> 4); }
  std::uint8_t dscp() const { return traffic_class() >> 2; }
  std::uint8_t ecn() const { return traffic_class() & 3; }
  std::uint32_t flow_label() const { return load_be32(data_) & 0xfffff; }
  std::size_t payload_length() const { return load_be16(data_ + 4); }  // octets, extension headers included
  std::size_t total_length() const { return kIpv6HeaderLength + payload_length(); }
  std::uint8_t next_header() const { return data_[6]; }
  std::uint8_t hop_limit() const { return data_[7]; }
  Ipv6Address source() const { return read_ipv6(source_bytes()); }
  Ipv6Address destination() const { return read_ipv6(destination_bytes()); }
  const std::uint8_t* source_bytes() const { return data_ + 8; }        // 16 octets
  const std::uint8_t* destination_bytes() const { return data_ + 24; }  // 16 octets

 private:
  Ipv6View() = default;
  explicit Ipv6View(const std::uint8_t* data) : data_(data) {}

  const std::uint8_t* data_ = nullptr;
};

static_assert(sizeof(Checked<Ipv6View, Ipv6Fault>) == 16);

// Sets the ECN field to the low two bits of ecn (RFC 6040). header: of a checked packet.
inline void ipv6_set_ecn(std::uint8_t* header, std::uint8_t ecn) {
  header[1] = static_cast<std::uint8_t>((header[1] & ~0x30) | ((ecn & 3) << 4));
}

// Walked: Hop-by-Hop, Routing, Fragment, Destination Options. All else is an upper layer to us: No Next Header, AH and
// ESP too, and Mobility, HIP and Shim6, which no behaviour of ours takes.
inline constexpr int kMaxExtensionHeaders = 8;

enum class ChainFault : std::uint8_t {
  none,
  truncated,  // a header is cut short
  limit,      // more than kMaxExtensionHeaders
  order,      // Hop-by-Hop that is not the first, RFC 8200 section 4.1
  fragment,   // a real fragment; an atomic one (RFC 6946: offset 0, no more) is walked over
  option,     // one that is unknown and asks for the packet to be discarded, or is cut short, RFC 8200 section 4.2
  unknown_routing,  // a routing type other than 4 that has segments left, RFC 8200 section 4.4
  bad_srh,          // RFC 8754 section 4.3.1.1, see SrhView; judged also when Segments Left is 0
};

// All offsets are octets from the IPv6 header. The walk is bounded, so that they are below 40 + 8 * 2048.
struct Ipv6Chain {
  ChainFault fault = ChainFault::none;
  std::uint8_t upper_layer = kProtocolNone;  // the protocol that ends the chain; without a fault only
  std::uint8_t segments_left = 0;            // not 0: the walk ended at the SRH at srh_offset, which is upper_layer
  std::uint16_t upper_offset = 0;            // may be the packet's end
  std::uint16_t srh_offset = 0;              // 0: none
  std::uint16_t fault_offset = 0;            // the Pointer of an ICMPv6 Parameter Problem about the fault
};

namespace detail {

class ChainWalk {
 public:
  explicit ChainWalk(Bytes packet) : packet_(packet) {}

  Ipv6Chain run() {
    std::uint8_t next = packet_[kNextHeaderOffset];
    for (int walked = 0; is_extension(next); ++walked) {
      if (next == kProtocolHopByHop && walked != 0) return failed(ChainFault::order, named_at_);
      // RFC 8883, Too Many Extension Headers: the pointer is to the first one beyond the limit.
      if (walked == kMaxExtensionHeaders) return failed(ChainFault::limit, at_);
      if (!step(next)) return chain_;
      next = packet_[named_at_];
    }
    chain_.upper_layer = next;
    chain_.upper_offset = static_cast<std::uint16_t>(at_);
    return chain_;
  }

  static bool is_extension(std::uint8_t protocol) {
    return protocol == kProtocolHopByHop || protocol == kProtocolRouting || protocol == kProtocolFragment ||
           protocol == kProtocolDstOpts;
  }

 private:
  static constexpr std::size_t kNextHeaderOffset = 6;
  static constexpr std::uint8_t kOptionPad1 = 0;
  static constexpr std::size_t kUnit = 8;  // every extension header is a multiple of it

  Ipv6Chain failed(ChainFault fault, std::size_t pointer) {
    chain_.fault = fault;
    chain_.fault_offset = static_cast<std::uint16_t>(pointer);
    return chain_;
  }
  bool refuse(ChainFault fault, std::size_t pointer) {
    failed(fault, pointer);
    return false;
  }

  // Judges the header at at_ and goes on to the next one; false: chain_ says why it ended.
  bool step(std::uint8_t protocol) {
    const std::size_t available = packet_.size() - at_;
    if (available < kUnit) return refuse(ChainFault::truncated, at_);
    const std::uint8_t* header = packet_.data() + at_;
    // The second octet of a Fragment header is reserved, not a length.
    const std::size_t length = protocol == kProtocolFragment ? kUnit : kUnit + header[1] * kUnit;
    if (length > available) return refuse(ChainFault::truncated, at_);
    // offset 13 bits | reserved 2 | M
    if (protocol == kProtocolFragment && (load_be16(header + 2) & 0xfff9) != 0)
      return refuse(ChainFault::fragment, at_);
    if (protocol == kProtocolRouting && !routing(header, length)) return false;
    const bool has_options = protocol == kProtocolHopByHop || protocol == kProtocolDstOpts;
    if (has_options && !options(header, length)) return false;
    named_at_ = at_;
    at_ += length;
    return true;
  }

  bool routing(const std::uint8_t* header, std::size_t length) {
    if (header[2] != kRoutingTypeSrh) return header[3] == 0 || refuse(ChainFault::unknown_routing, at_ + 2);
    if (!SrhView::check(Bytes(header, length))) return refuse(ChainFault::bad_srh, at_ + 3);
    if (chain_.srh_offset == 0 || header[3] != 0) chain_.srh_offset = static_cast<std::uint16_t>(at_);
    chain_.segments_left = header[3];
    if (header[3] == 0) return true;
    chain_.upper_layer = kProtocolRouting;
    chain_.upper_offset = static_cast<std::uint16_t>(at_);
    return false;
  }

  // RFC 8200 section 4.2: type | length | data; the two highest bits of a type that is not known say what to do, and
  // all but 00 say discard. Of the others none changes what we do. Bounded by the header: each option takes at least
  // one octet.
  bool options(const std::uint8_t* header, std::size_t length) {
    std::size_t i = 2;
    while (i < length) {
      const std::uint8_t type = header[i];
      if (type == kOptionPad1) {
        ++i;
        continue;
      }
      if ((type & 0xc0) != 0 || i + 2 > length || i + 2 + header[i + 1] > length)
        return refuse(ChainFault::option, at_ + i);
      i += 2U + header[i + 1];
    }
    return true;
  }

  Bytes packet_;
  Ipv6Chain chain_;
  std::size_t at_ = kIpv6HeaderLength;        // the header under judgement
  std::size_t named_at_ = kNextHeaderOffset;  // the Next Header field that names it
};

// Apart, so that the usual packet, which has none, does not pay for it.
[[gnu::noinline]] inline Ipv6Chain walk_chain(Bytes packet) { return ChainWalk(packet).run(); }

}  // namespace detail

// Finds the upper layer of an IPv6 packet, or the SRH that has segments left: what stands behind that one is for a
// later segment to judge (RFC 8986 section 4, RFC 8754 section 4.3.1). packet: from the IPv6 header, exactly its total
// length, checked by Ipv6View.
inline Ipv6Chain walk_extension_headers(Bytes packet) {
  if (packet.size() < kIpv6HeaderLength) [[unlikely]]
    return {.fault = ChainFault::truncated};
  const std::uint8_t next = packet[6];
  if (next == kProtocolIpv4 || !detail::ChainWalk::is_extension(next)) [[likely]]
    return {.upper_layer = next, .upper_offset = kIpv6HeaderLength};
  return detail::walk_chain(packet);
}

}  // namespace strata::wire
