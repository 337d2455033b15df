// IPv4, IPv6 and its extension headers.
#include <array>

#include "dataplane/wire/protocol.hpp"
#include "replay/dissect/builder.hpp"
#include "replay/dissect/values.hpp"

namespace strata::replay::detail {
namespace {

constexpr std::size_t kIpv4Fixed = 20;
constexpr std::size_t kIpv6Fixed = 40;

std::string ecn_text(unsigned ecn) {
  constexpr std::array kNames{"0 Not-ECT", "1 ECT(1)", "2 ECT(0)", "3 CE"};
  return kNames[ecn & 3];
}

std::string version_text(unsigned version, unsigned should) {
  auto text = std::to_string(version);
  return version == should ? text : wrong(std::move(text), "should be " + std::to_string(should));
}

std::string flags_text(unsigned flags) {
  std::string text;
  const auto add = [&text](const char* name) { text += text.empty() ? name : std::string(", ") + name; };
  if ((flags & 4) != 0) add("reserved");
  if ((flags & 2) != 0) add("DF");
  if ((flags & 1) != 0) add("MF");
  return text.empty() ? "none" : text;
}

// " fragment at 1480, more follow"; nothing for a whole packet.
std::string fragment_words(unsigned flags_and_offset) {
  const bool more = (flags_and_offset & 0x2000) != 0;
  const unsigned offset = (flags_and_offset & 0x1fff) * 8;
  if (!more && offset == 0) return {};
  return " fragment at " + std::to_string(offset) + (more ? ", more follow" : "");
}

// The lengths an IPv4 header announces, and what is there.
struct Ipv4Lengths {
  std::size_t header;
  std::size_t total;
  std::size_t there;
};

std::string header_length_text(const Ipv4Lengths& length) {
  auto text = std::to_string(length.header);
  if (length.header < kIpv4Fixed) return wrong(std::move(text), "at least 20");
  if (length.header > length.there) return wrong(std::move(text), octet_count(length.there) + " there");
  return text;
}

std::string total_length_text(const Ipv4Lengths& length) {
  auto text = std::to_string(length.total);
  if (length.total < length.header) return wrong(std::move(text), "less than the header");
  if (length.total > length.there) return wrong(std::move(text), octet_count(length.there) + " there");
  return text;
}

//  0 version|IHL  1 DSCP|ECN  2 total length    4 identification  6 flags|fragment offset
//  8 TTL          9 protocol 10 checksum       12 source         16 destination      20 options
void ipv4_fields(LayerWriter& w, const Ipv4Lengths& length) {
  const bool whole = length.header >= kIpv4Fixed && length.header <= length.there;
  w.field("version", 0, 1, version_text(w.u8(0) >> 4u, 4));
  w.field("header length", 0, 1, header_length_text(length));
  w.field("DSCP", 1, 1, std::to_string(w.u8(1) >> 2));
  w.field("ECN", 1, 1, ecn_text(w.u8(1)));
  w.field("total length", 2, 2, total_length_text(length));
  w.field("identification", 4, 2, hex(w.u16(4), 4));
  w.field("flags", 6, 1, flags_text(w.u8(6) >> 5u));
  w.field("fragment offset", 6, 2, std::to_string((w.u16(6) & 0x1fff) * 8));
  w.number8("TTL", 8);
  w.field("protocol", 9, 1, protocol_text(w.u8(9)));
  w.field("checksum", 10, 2,
          whole ? checksum_text(w.u16(10), ones_sum(w.octets(0, length.header))) : hex(w.u16(10), 4));
  w.field("source", 12, 4, ipv4_text(w, 12));
  w.field("destination", 16, 4, ipv4_text(w, 16));
  if (whole && length.header > kIpv4Fixed) w.octets_field("options", kIpv4Fixed, length.header - kIpv4Fixed);
}

//  0 next header  1 length in 8 octets, without the first 8  2 options to the end
Next options_header(Builder& b, const Next& next, std::string_view name, std::size_t length) {
  LayerWriter w = b.begin(name, next.at.begin, length);
  const std::uint8_t following = w.u8(0);
  w.field("next header", 0, 1, protocol_text(following));
  w.field("header length", 1, 1, std::to_string(length));
  w.octets_field("options", 2, length - 2);
  w.gist(std::string(name));
  return {Next::Kind::protocol, following, {next.at.begin + length, next.at.end}, next.carrier};
}

// RFC 8754 section 2: 4 last entry  5 flags  6 tag  8 segments, the last to visit first  then TLVs
void srh_fields(LayerWriter& w, std::size_t length) {
  const std::size_t room = (length - 8) / 16;  // segments the header can hold
  const std::size_t last = w.u8(4);
  auto last_text = std::to_string(last);
  w.field("last entry", 4, 1,
          last < room ? last_text : wrong(last_text, "room for " + std::to_string(room) + " segments"));
  w.field("flags", 5, 1, hex(w.u8(5), 2));
  w.number16("tag", 6);
  const std::size_t segments = std::min(last + 1, room);
  for (std::size_t i = 0; i < segments; ++i)
    w.field("segment " + std::to_string(i), 8 + 16 * i, 16, ipv6_text(w, 8 + 16 * i));
  const std::size_t tlvs = 8 + 16 * segments;
  if (tlvs < length) w.octets_field("TLVs", tlvs, length - tlvs);
}

Next routing_header(Builder& b, const Next& next, std::size_t length) {
  constexpr std::uint8_t kSegmentRouting = 4;
  const std::uint8_t type = b.octets(next.at)[2];
  const bool srh = type == kSegmentRouting;
  LayerWriter w = b.begin(srh ? "SRH" : "routing header", next.at.begin, length);
  const std::uint8_t following = w.u8(0);
  const std::uint8_t segments_left = w.u8(3);
  w.field("next header", 0, 1, protocol_text(following));
  w.field("header length", 1, 1, std::to_string(length));
  w.number8("routing type", 2);
  auto left_text = std::to_string(segments_left);
  if (srh && segments_left > w.u8(4) + 1) left_text = wrong(left_text, "more than last entry + 1");
  w.field("segments left", 3, 1, std::move(left_text));
  if (srh) {
    srh_fields(w, length);
  } else {
    w.octets_field("data", 4, length - 4);
  }
  w.gist((srh ? "SRH segments left " : "routing header segments left ") + std::to_string(segments_left));
  // While segments are left the IPv6 destination is not the one in the pseudo header, RFC 8200 section 8.1.
  Carrier carrier = next.carrier;
  if (segments_left != 0) carrier.checkable = false;
  return {Next::Kind::protocol, following, {next.at.begin + length, next.at.end}, carrier};
}

//  0 next header  1 reserved  2 offset in 8 octets|reserved|M  4 identification
Next fragment_header(Builder& b, const Next& next) {
  constexpr std::size_t kLength = 8;
  LayerWriter w = b.begin("fragment header", next.at.begin, kLength);
  const std::uint8_t following = w.u8(0);
  const unsigned offset = w.u16(2) & 0xfff8u;
  const bool more = (w.u16(2) & 1) != 0;
  w.field("next header", 0, 1, protocol_text(following));
  w.number8("reserved", 1);
  w.field("fragment offset", 2, 2, std::to_string(offset));
  w.field("more fragments", 3, 1, more ? "yes" : "no");
  w.field("identification", 4, 4, hex(w.u32(4), 8));
  w.gist("fragment offset " + std::to_string(offset) + (more ? ", more follow" : ""));
  const Region rest{next.at.begin + kLength, next.at.end};
  if (offset != 0) return {Next::Kind::payload, 0, rest, {}};
  Carrier carrier = next.carrier;
  if (more) carrier.checkable = false;
  return {Next::Kind::protocol, following, rest, carrier};
}

}  // namespace

Next ipv4(Builder& b, Region at) {
  if (at.size() < kIpv4Fixed) return b.too_short(at, "IPv4", kIpv4Fixed);
  const auto first = b.octets(at);
  const Ipv4Lengths length{
      .header = (first[0] & 15u) * 4u, .total = static_cast<std::size_t>(first[2] << 8 | first[3]), .there = at.size()};
  const bool version_good = first[0] >> 4 == 4;
  const bool header_good = length.header >= kIpv4Fixed && length.header <= length.there;
  LayerWriter w = b.begin("IPv4", at.begin, header_good ? length.header : kIpv4Fixed);
  ipv4_fields(w, length);
  w.gist(ipv4_text(w, 12) + " > " + ipv4_text(w, 16) + fragment_words(w.u16(6)));

  const std::uint8_t protocol = w.u8(9);
  const unsigned fragment = w.u16(6) & 0x3fffu;  // MF and the offset
  const std::uint16_t address_sum = ones_sum(w.octets(12, 8));
  Region rest{at.begin + (header_good ? length.header : kIpv4Fixed), at.end};
  if (!version_good) return b.malformed(rest, "IPv4: version " + std::to_string(first[0] >> 4));
  if (!header_good) return b.malformed(rest, "IPv4: header length " + header_length_text(length));
  if (length.total < length.header) return b.malformed(rest, "IPv4: total length " + total_length_text(length));
  if (length.total < length.there) {
    rest.end = at.begin + length.total;
    b.trailer({rest.end, at.end});
  }
  if ((fragment & 0x1fff) != 0) return b.payload(rest, "fragment");
  return {Next::Kind::protocol,
          protocol,
          rest,
          {.address_sum = address_sum, .ipv6 = false, .checkable = fragment == 0 && length.total <= length.there}};
}

//  0 version|traffic class|flow label  4 payload length  6 next header  7 hop limit  8 source  24 destination
Next ipv6(Builder& b, Region at) {
  if (at.size() < kIpv6Fixed) return b.too_short(at, "IPv6", kIpv6Fixed);
  LayerWriter w = b.begin("IPv6", at.begin, kIpv6Fixed);
  const unsigned version = w.u8(0) >> 4u;
  const std::size_t payload = w.u16(4);
  const std::size_t there = at.size() - kIpv6Fixed;
  const std::uint8_t following = w.u8(6);
  const std::uint16_t address_sum = ones_sum(w.octets(8, 32));
  auto payload_text = std::to_string(payload);
  w.field("version", 0, 1, version_text(version, 6));
  w.field("DSCP", 0, 2, std::to_string(w.u16(0) >> 6 & 63));
  w.field("ECN", 1, 1, ecn_text(w.u8(1) >> 4u));
  w.field("flow label", 1, 3, hex(w.u32(0) & 0xfffff, 5));
  w.field("payload length", 4, 2, payload <= there ? payload_text : wrong(payload_text, octet_count(there) + " there"));
  w.field("next header", 6, 1, protocol_text(following));
  w.number8("hop limit", 7);
  w.field("source", 8, 16, ipv6_text(w, 8));
  w.field("destination", 24, 16, ipv6_text(w, 24));
  w.gist(ipv6_text(w, 8) + " > " + ipv6_text(w, 24));

  Region rest{at.begin + kIpv6Fixed, at.end};
  if (version != 6) return b.malformed(rest, "IPv6: version " + std::to_string(version));
  if (payload < there) {
    rest.end = rest.begin + payload;
    b.trailer({rest.end, at.end});
  }
  return {
      Next::Kind::protocol, following, rest, {.address_sum = address_sum, .ipv6 = true, .checkable = payload <= there}};
}

Next extension_header(Builder& b, const Next& next) {
  constexpr std::size_t kLeast = 8;
  if (next.at.size() < kLeast) return b.too_short(next.at, "IPv6 extension header", kLeast);
  if (next.number == wire::kProtocolFragment) return fragment_header(b, next);
  const std::size_t length = (b.octets(next.at)[1] + 1u) * 8u;
  if (next.at.size() < length) return b.too_short(next.at, "IPv6 extension header", length);
  if (next.number == wire::kProtocolRouting) return routing_header(b, next, length);
  return options_header(b, next, next.number == wire::kProtocolHopByHop ? "Hop-by-Hop" : "destination options", length);
}

Next by_protocol(Builder& b, const Next& next) {
  switch (next.number) {
    case wire::kProtocolIpv4: return ipv4(b, next.at);
    case wire::kProtocolIpv6: return ipv6(b, next.at);
    case wire::kProtocolHopByHop:
    case wire::kProtocolRouting:
    case wire::kProtocolFragment:
    case wire::kProtocolDstOpts: return next.carrier.ipv6 ? extension_header(b, next) : upper_layer(b, next);
    default: return upper_layer(b, next);
  }
}

}  // namespace strata::replay::detail
