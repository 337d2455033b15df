// What IP carries: UDP, ESP, TCP, ICMP, ICMPv6.
#include "dataplane/wire/protocol.hpp"
#include "replay/dissect/builder.hpp"

namespace strata::replay::detail {
namespace {

// The checksum field over the whole of `covered`, as far as it can be judged. Its octets are at `at` in the layer.
std::string transport_checksum(const LayerWriter& w, std::size_t at, std::span<const std::uint8_t> covered,
                               std::uint8_t protocol, const Carrier& carrier) {
  if (!carrier.checkable) return hex(w.u16(at), 4);
  std::uint16_t sum = ones_sum(covered);
  if (protocol != wire::kProtocolIcmp) {  // all others cover the pseudo header: addresses, length, protocol
    sum = ones_add(sum, carrier.address_sum);
    sum = ones_add(sum, static_cast<std::uint16_t>(covered.size()));
    sum = ones_add(sum, protocol);
  }
  return checksum_text(w.u16(at), sum);
}

//  0 SPI  4 sequence number  8 IV, ciphertext, ICV: opaque (RFC 4303 section 2)
Next esp(Builder& b, Region at, bool in_udp) {
  constexpr std::size_t kHeader = 8;
  if (at.size() < kHeader) return b.too_short(at, "ESP", kHeader);
  LayerWriter w = b.begin("ESP", at.begin, at.size());
  w.field("SPI", 0, 4, hex(w.u32(0), 8));
  w.field("sequence", 4, 4, std::to_string(w.u32(4)));
  if (at.size() > kHeader) w.octets_field("encrypted", kHeader, at.size() - kHeader);
  w.gist((in_udp ? "spi " : "ESP spi ") + hex(w.u32(0), 8) + " seq " + std::to_string(w.u32(4)));
  return {};
}

// RFC 3948 section 2: one octet FF is a NAT keepalive, four zero octets announce IKE, all else is ESP.
Next in_esp_port(Builder& b, Region at) {
  constexpr std::size_t kMarker = 4;
  const auto octets = b.octets(at);
  if (at.size() == 1 && octets[0] == 0xff) {
    LayerWriter w = b.begin("NAT keepalive", at.begin, 1);
    w.octets_field("octets", 0, 1);
    w.gist("NAT keepalive");
    return {};
  }
  if (at.size() < kMarker || ones_sum(octets.first(kMarker)) != 0) return esp(b, at, true);
  LayerWriter w = b.begin("IKE", at.begin, at.size());
  w.octets_field("non-ESP marker", 0, kMarker);
  if (at.size() > kMarker) w.octets_field("message", kMarker, at.size() - kMarker);
  w.gist("IKE");
  return {};
}

//  0 source port  2 destination port  4 length  6 checksum, 0: none
Next udp(Builder& b, const Next& next) {
  constexpr std::size_t kHeader = 8;
  const Region at = next.at;
  if (at.size() < kHeader) return b.too_short(at, "UDP", kHeader);
  LayerWriter w = b.begin("UDP", at.begin, kHeader);
  const std::uint16_t source = w.u16(0);
  const std::uint16_t destination = w.u16(2);
  const std::size_t length = w.u16(4);
  const bool good = length >= kHeader && length <= at.size();
  auto length_text = std::to_string(length);
  if (length < kHeader) length_text = wrong(length_text, "at least 8");
  if (length > at.size()) length_text = wrong(length_text, octet_count(at.size()) + " there");
  std::string checksum = hex(w.u16(6), 4);
  if (w.u16(6) == 0) checksum += " (none)";
  if (w.u16(6) != 0 && good) checksum = transport_checksum(w, 6, w.octets(0, length), wire::kProtocolUdp, next.carrier);
  w.field("source port", 0, 2, std::to_string(source));
  w.field("destination port", 2, 2, std::to_string(destination));
  w.field("length", 4, 2, std::move(length_text));
  w.field("checksum", 6, 2, std::move(checksum));

  const bool esp_port = b.esp_port(destination) || b.esp_port(source);
  if (esp_port) {
    const std::string ports = std::to_string(source) + " > " + std::to_string(destination);
    w.gist("ESP-in-UDP " + (source == destination ? std::to_string(source) : ports));
  } else {
    w.gist("UDP " + std::to_string(source) + " > " + std::to_string(destination));
  }
  Region rest{at.begin + kHeader, at.end};
  if (length < kHeader) return b.malformed(rest, "UDP: length " + std::to_string(length));
  if (good) {
    rest.end = at.begin + length;
    b.trailer({rest.end, at.end});
  }
  return esp_port ? in_esp_port(b, rest) : b.payload(rest);
}

std::string tcp_flags(unsigned flags) {
  constexpr std::string_view kNames[] = {"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"};
  std::string text;
  for (unsigned bit = 0; bit < 8; ++bit) {
    if ((flags >> bit & 1) == 0) continue;
    if (!text.empty()) text += ' ';
    text += kNames[bit];
  }
  return text.empty() ? "none" : text;
}

//  0 ports  4 sequence  8 acknowledgment  12 data offset  13 flags  14 window  16 checksum  18 urgent  20 options
Next tcp(Builder& b, const Next& next) {
  constexpr std::size_t kFixed = 20;
  const Region at = next.at;
  if (at.size() < kFixed) return b.too_short(at, "TCP", kFixed);
  const std::size_t header = static_cast<std::size_t>(b.octets(at)[12] >> 4) * 4;
  const bool good = header >= kFixed && header <= at.size();
  LayerWriter w = b.begin("TCP", at.begin, good ? header : kFixed);
  auto header_text = std::to_string(header);
  w.number16("source port", 0);
  w.number16("destination port", 2);
  w.field("sequence", 4, 4, std::to_string(w.u32(4)));
  w.field("acknowledgment", 8, 4, std::to_string(w.u32(8)));
  w.field("header length", 12, 1, good ? header_text : wrong(header_text, "20 to " + std::to_string(at.size())));
  w.field("flags", 13, 1, tcp_flags(w.u8(13)));
  w.number16("window", 14);
  w.field("checksum", 16, 2, transport_checksum(w, 16, b.octets(at), wire::kProtocolTcp, next.carrier));
  w.number16("urgent", 18);
  if (good && header > kFixed) w.octets_field("options", kFixed, header - kFixed);
  w.gist("TCP " + std::to_string(w.u16(0)) + " > " + std::to_string(w.u16(2)) + " " + tcp_flags(w.u8(13)));
  const Region rest{at.begin + (good ? header : kFixed), at.end};
  return good ? b.payload(rest) : b.malformed(rest, "TCP: header length " + header_text);
}

std::string icmp_type_text(std::uint8_t type) {
  switch (type) {
    case 0: return "echo reply";
    case 3: return "destination unreachable";
    case 5: return "redirect";
    case 8: return "echo request";
    case 11: return "time exceeded";
    case 12: return "parameter problem";
    default: return "type " + std::to_string(type);
  }
}

std::string icmp6_type_text(std::uint8_t type) {
  switch (type) {
    case 1: return "destination unreachable";
    case 2: return "packet too big";
    case 3: return "time exceeded";
    case 4: return "parameter problem";
    case 128: return "echo request";
    case 129: return "echo reply";
    case 133: return "router solicitation";
    case 134: return "router advertisement";
    case 135: return "neighbor solicitation";
    case 136: return "neighbor advertisement";
    default: return "type " + std::to_string(type);
  }
}

//  0 type  1 code  2 checksum  4 rest of the header; in an echo: identifier, sequence
Next icmp(Builder& b, const Next& next, bool v6) {
  constexpr std::size_t kHeader = 8;
  const Region at = next.at;
  const std::string_view name = v6 ? "ICMPv6" : "ICMP";
  if (at.size() < kHeader) return b.too_short(at, name, kHeader);
  LayerWriter w = b.begin(name, at.begin, kHeader);
  const std::uint8_t type = w.u8(0);
  const std::string meaning = v6 ? icmp6_type_text(type) : icmp_type_text(type);
  const bool echo = v6 ? type == 128 || type == 129 : type == 0 || type == 8;
  const bool meaningless = meaning.starts_with("type ");
  w.field("type", 0, 1, meaningless ? std::to_string(type) : std::to_string(type) + " " + meaning);
  w.number8("code", 1);
  const std::uint8_t protocol = v6 ? wire::kProtocolIcmpv6 : wire::kProtocolIcmp;
  w.field("checksum", 2, 2, transport_checksum(w, 2, b.octets(at), protocol, next.carrier));
  if (echo) {
    w.number16("identifier", 4);
    w.number16("sequence", 6);
  } else {
    w.field("rest of header", 4, 4, hex(w.u32(4), 8));
  }
  w.gist(std::string(name) + " " + meaning + (echo || w.u8(1) == 0 ? "" : " code " + std::to_string(w.u8(1))));
  return b.payload({at.begin + kHeader, at.end});
}

}  // namespace

Next upper_layer(Builder& b, const Next& next) {
  switch (next.number) {
    case wire::kProtocolUdp: return udp(b, next);
    case wire::kProtocolEsp: return esp(b, next.at, false);
    case wire::kProtocolTcp: return tcp(b, next);
    case wire::kProtocolIcmp: return icmp(b, next, false);
    case wire::kProtocolIcmpv6: return icmp(b, next, true);
    default: return b.payload(next.at, next.number == wire::kProtocolNone ? "no next header" : "payload");
  }
}

}  // namespace strata::replay::detail
