#include "replay/dissect/builder.hpp"

#include <algorithm>

#include "dataplane/wire/checksum.hpp"
#include "dataplane/wire/ethernet.hpp"
#include "dataplane/wire/protocol.hpp"

namespace strata::replay::detail {

void LayerWriter::octets_field(std::string_view name, std::size_t at, std::size_t length) {
  field(name, at, length, octet_count(length) + ": " + hex_octets(octets(at, length)));
}

bool Builder::esp_port(std::uint16_t port) const { return std::ranges::count(options_.esp_ports, port) != 0; }

LayerWriter Builder::begin(std::string_view name, std::size_t offset, std::size_t length) {
  layers_.push_back({std::string(name), offset, length, {}, {}});
  return {frame_, layers_.back()};
}

Next Builder::malformed(Region rest, std::string reason) {
  LayerWriter w = begin("malformed", rest.begin, rest.size());
  w.gist("(malformed: " + reason + ")");
  w.field("reason", 0, 0, std::move(reason));
  if (rest.size() != 0) w.octets_field("octets", 0, rest.size());
  return {};
}

Next Builder::too_short(Region rest, std::string_view what, std::size_t needed) {
  return malformed(rest, std::string(what) + ": " + octet_count(needed) + " needed, " + std::to_string(rest.size()) +
                             (rest.size() == 1 ? " is there" : " are there"));
}

Next Builder::payload(Region rest, std::string_view name) {
  if (rest.size() != 0) begin(name, rest.begin, rest.size()).octets_field("octets", 0, rest.size());
  return {};
}

void Builder::trailer(Region rest) {
  if (rest.size() != 0) trailers_.push_back(rest);
}

std::vector<Layer> Builder::finish() {
  // The innermost header's trailer comes first in the frame.
  std::ranges::for_each(trailers_.rbegin(), trailers_.rend(), [this](Region r) { payload(r, "trailer"); });
  return std::move(layers_);
}

std::string hex(std::uint32_t value, int digits) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text = "0x";
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) text += kDigits[value >> shift & 15];
  return text;
}

std::string hex_octets(std::span<const std::uint8_t> octets) {
  constexpr std::size_t kShown = 32;
  std::string text;
  for (const std::uint8_t octet : octets.first(std::min(octets.size(), kShown))) {
    if (!text.empty()) text += ' ';
    text += hex(octet, 2).substr(2);
  }
  return octets.size() > kShown ? text + " ..." : text;
}

std::string ether_type_text(std::uint16_t type) {
  if (type < 1536) return std::to_string(type) + " (an 802.3 length)";
  switch (type) {
    case wire::kEtherIpv4: return "0x0800 IPv4";
    case wire::kEtherArp: return "0x0806 ARP";
    case wire::kEtherVlan: return "0x8100 VLAN";
    case wire::kEtherIpv6: return "0x86dd IPv6";
    case wire::kEtherQinq: return "0x88a8 service VLAN";
    default: return hex(type, 4);
  }
}

std::string protocol_text(std::uint8_t protocol) {
  const auto named = [protocol](const char* name) { return std::to_string(protocol) + " " + name; };
  switch (protocol) {
    case wire::kProtocolHopByHop: return named("Hop-by-Hop");
    case wire::kProtocolIcmp: return named("ICMP");
    case wire::kProtocolIpv4: return named("IPv4");
    case wire::kProtocolTcp: return named("TCP");
    case wire::kProtocolUdp: return named("UDP");
    case wire::kProtocolIpv6: return named("IPv6");
    case wire::kProtocolRouting: return named("routing");
    case wire::kProtocolFragment: return named("fragment");
    case wire::kProtocolEsp: return named("ESP");
    case wire::kProtocolAh: return named("AH");
    case wire::kProtocolIcmpv6: return named("ICMPv6");
    case wire::kProtocolNone: return named("nothing");
    case wire::kProtocolDstOpts: return named("destination options");
    default: return std::to_string(protocol);
  }
}

std::string octet_count(std::size_t count) { return std::to_string(count) + (count == 1 ? " octet" : " octets"); }

std::string wrong(std::string value, std::string_view reason) {
  value += " (wrong, ";
  value += reason;
  value += ')';
  return value;
}

std::uint16_t ones_add(std::uint16_t a, std::uint16_t b) {
  const std::uint32_t sum = std::uint32_t{a} + b;
  return static_cast<std::uint16_t>((sum & 0xffff) + (sum >> 16));
}

std::uint16_t ones_sum(std::span<const std::uint8_t> octets) {
  return static_cast<std::uint16_t>(~wire::checksum(octets));
}

std::string checksum_text(std::uint16_t stored, std::uint16_t sum) {
  if (sum == 0xffff) return hex(stored, 4);
  // Only zeros add up to 0; of them nothing can be taken away.
  const std::uint16_t others = sum == 0 ? sum : ones_add(sum, static_cast<std::uint16_t>(~stored));
  return wrong(hex(stored, 4), "should be " + hex(static_cast<std::uint16_t>(~others), 4));
}

}  // namespace strata::replay::detail
