#include "config/scalar.hpp"

#include <algorithm>
#include <charconv>
#include <vector>

namespace strata::config {
namespace {

using Refusal = tl::unexpected<std::string>;

// The schema's sentence says it all.
Refusal as_schema_says() { return Refusal(std::string()); }

template <class Prefix>
Scalar<Prefix> without_host_bits(const Prefix& prefix) {
  const Prefix network = wire::network_of(prefix);
  if (network == prefix) return prefix;
  return Refusal("host bits are set; the network is " + wire::to_string(network));
}

// RFC 1122 3.2.1.3, RFC 1812 5.3.7: what can never be a host's address.
bool is_no_host(wire::Ipv4Address a) {
  const std::uint32_t top = a.value >> 24;
  return top == 0 || top == 127 || top >= 224;
}

bool is_no_host(const wire::Ipv6Address& a) {
  const bool low = std::all_of(a.octets.begin(), a.octets.end() - 1, [](std::uint8_t o) { return o == 0; });
  const bool is_mapped = std::all_of(a.octets.begin(), a.octets.begin() + 10, [](std::uint8_t o) { return o == 0; }) &&
                         a.octets[10] == 0xff && a.octets[11] == 0xff;
  return a.octets[0] == 0xff || (low && a.octets[15] <= 1) || is_mapped;
}

constexpr std::string_view kNoHost4 = "no host can have it; allowed: not 0/8, 127/8, 224/4, 240/4";
constexpr std::string_view kNoHost6 = "no host can have it; allowed: not ::, ::1, ::ffff:0:0/96, ff00::/8";

Scalar<InterfaceAddress> interface_ipv4(const wire::Ipv4Prefix& p) {
  if (is_no_host(p.address)) return Refusal(std::string(kNoHost4));
  if (p.length == 0) return Refusal("a subnet that is the whole Internet; allowed: a length of 1..32");
  const wire::Ipv4Prefix network = wire::network_of(p);
  if (p.length <= 30 && p.address == network.address) {
    return Refusal("the network address of " + wire::to_string(network) + "; allowed: an address in it");
  }
  if (p.length <= 30 && p.address.value == (network.address.value | ~wire::mask_of(p))) {
    return Refusal("the broadcast address of " + wire::to_string(network) + "; allowed: an address in it");
  }
  return InterfaceAddress(p);
}

Scalar<InterfaceAddress> interface_ipv6(const wire::Ipv6Prefix& p) {
  if (is_no_host(p.address)) return Refusal(std::string(kNoHost6));
  if (p.length == 0) return Refusal("a subnet that is the whole Internet; allowed: a length of 1..128");
  const wire::Ipv6Prefix network = wire::network_of(p);
  if (p.length <= 126 && p.address == network.address) {  // RFC 4291 section 2.6.1
    return Refusal("the subnet-router anycast address of " + wire::to_string(network) + "; allowed: an address in it");
  }
  return InterfaceAddress(p);
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  const std::optional<std::uint64_t> n = parse_number(text);
  if (!n || *n > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(*n);
}

}  // namespace

std::optional<std::uint64_t> parse_number(std::string_view text) {
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    text.remove_prefix(2);
    base = 16;
  } else if (text.size() > 1 && text.front() == '0') {
    return std::nullopt;  // octal to YAML 1.1, decimal to YAML 1.2
  }
  if (text.empty() || text.front() == '-') return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Scalar<std::uint64_t> scalar_number(const Field& field, std::string_view text, bool /*quoted*/) {
  const std::optional<std::uint64_t> n = parse_number(text);
  if (!n) return as_schema_says();
  if (*n == 0 && field.zero_too) return *n;
  if (*n < field.min || *n > field.max) return as_schema_says();
  return *n;
}

Scalar<std::uint32_t> scalar_cpu(const Field& /*field*/, std::string_view text, bool /*quoted*/) {
  const std::optional<std::uint64_t> n = parse_number(text);
  if (!n || *n > kLastCpu) return as_schema_says();
  return static_cast<std::uint32_t>(*n);
}

Scalar<bool> scalar_boolean(const Field& /*field*/, std::string_view text, bool quoted) {
  if (quoted || (text != "true" && text != "false")) return as_schema_says();
  return text == "true";
}

Scalar<std::size_t> scalar_choice(const Field& field, std::string_view text, bool /*quoted*/) {
  const auto it = std::find(field.choices.begin(), field.choices.end(), text);
  if (it != field.choices.end()) return static_cast<std::size_t>(it - field.choices.begin());
  const std::string allowed = "allowed: " + allowed_text(field);
  if (std::find(field.later.begin(), field.later.end(), text) != field.later.end()) {
    return Refusal("not supported yet; " + allowed);
  }
  return Refusal(did_you_mean(text, field.choices) + allowed);
}

Scalar<std::string> scalar_text(const Field& field, std::string_view text, bool /*quoted*/) {
  if (looks_like_key(text)) return Refusal("it looks like a key; allowed: " + allowed_text(field));
  if (field.type == Type::name ? !is_name(text) : text.empty()) return as_schema_says();
  if (has_control_character(text)) return Refusal("a control character in it; allowed: " + allowed_text(field));
  return std::string(text);
}

Scalar<wire::MacAddress> scalar_mac(const Field& /*field*/, std::string_view text, bool /*quoted*/) {
  const std::optional<wire::MacAddress> mac = wire::parse_mac(text);
  if (!mac) return as_schema_says();
  if ((mac->octets[0] & 1) != 0) return Refusal("a group address; allowed: a unicast MAC address");
  if (*mac == wire::MacAddress{}) return Refusal("the zero address; allowed: a unicast MAC address");
  return *mac;
}

Scalar<wire::Ipv4Address> scalar_ipv4(const Field& /*field*/, std::string_view text, bool /*quoted*/) {
  const std::optional<wire::Ipv4Address> address = wire::parse_ipv4(text);
  if (!address) return as_schema_says();
  if (is_no_host(*address)) return Refusal(std::string(kNoHost4));
  return *address;
}

Scalar<wire::Ipv6Address> scalar_ipv6(const Field& /*field*/, std::string_view text, bool /*quoted*/) {
  const std::optional<wire::Ipv6Address> address = wire::parse_ipv6(text);
  if (!address) return as_schema_says();
  if (is_no_host(*address)) return Refusal(std::string(kNoHost6));
  return *address;
}

Scalar<wire::Ipv4Prefix> scalar_ipv4_prefix(const Field& /*field*/, std::string_view text, bool /*quoted*/) {
  const std::optional<wire::Ipv4Prefix> prefix = wire::parse_ipv4_prefix(text);
  if (!prefix) return as_schema_says();
  return without_host_bits(*prefix);
}

Scalar<wire::Ipv6Prefix> scalar_ipv6_prefix(const Field& field, std::string_view text, bool /*quoted*/) {
  const bool is_sid = field.type == Type::sid;
  const bool needs_length = is_sid && text.find('/') == std::string_view::npos;
  const std::optional<wire::Ipv6Prefix> prefix =
      wire::parse_ipv6_prefix(needs_length ? std::string(text) + "/128" : std::string(text));
  if (!prefix) return as_schema_says();
  if (is_sid && is_no_host(prefix->address)) return Refusal(std::string(kNoHost6));
  return without_host_bits(*prefix);
}

Scalar<InterfaceAddress> scalar_interface_address(const Field& /*field*/, std::string_view text, bool /*quoted*/) {
  if (const std::optional<wire::Ipv4Prefix> p = wire::parse_ipv4_prefix(text)) return interface_ipv4(*p);
  if (const std::optional<wire::Ipv6Prefix> p = wire::parse_ipv6_prefix(text)) return interface_ipv6(*p);
  if (wire::parse_ipv4(text) || wire::parse_ipv6(text)) {
    return Refusal("the prefix length is missing; allowed: as 192.0.2.1/24");
  }
  return as_schema_says();
}

Scalar<std::optional<std::uint8_t>> scalar_dscp(const Field& /*field*/, std::string_view text, bool /*quoted*/) {
  if (text == "copy") return std::nullopt;
  const std::optional<std::uint64_t> n = parse_number(text);
  if (!n || *n > 63) return as_schema_says();
  return static_cast<std::uint8_t>(*n);
}

Scalar<std::uint8_t> scalar_protocol(const Field& field, std::string_view text, bool /*quoted*/) {
  if (const std::optional<std::uint64_t> n = parse_number(text); n && *n <= 255) return static_cast<std::uint8_t>(*n);
  std::vector<std::string_view> names;
  for (const ProtocolName& protocol : protocol_names()) {
    if (protocol.name == text) return protocol.number;
    names.push_back(protocol.name);
  }
  return Refusal(did_you_mean(text, names) + "allowed: " + allowed_text(field));
}

Scalar<PortRange> scalar_port_range(const Field& /*field*/, std::string_view text, bool /*quoted*/) {
  const std::size_t dash = text.find('-');
  const std::optional<std::uint16_t> first = parse_port(text.substr(0, dash));
  const std::optional<std::uint16_t> last = dash == std::string_view::npos ? first : parse_port(text.substr(dash + 1));
  if (!first || !last) return as_schema_says();
  if (*first > *last) return Refusal("the range ends before it begins; allowed: as 1000-2000");
  return PortRange{.first = *first, .last = *last};
}

}  // namespace strata::config
