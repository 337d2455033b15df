#include "dataplane/wire/address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>

namespace strata::wire {
namespace {

std::optional<std::uint8_t> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<std::uint8_t>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<std::uint8_t>(c - 'A' + 10);
  return std::nullopt;
}

// Decimal without sign or leading zero, at most `most`.
std::optional<std::uint8_t> parse_length(std::string_view text, unsigned most) {
  if (text.empty() || text.size() > 3 || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  unsigned value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  if (value > most) return std::nullopt;
  return static_cast<std::uint8_t>(value);
}

// inet_pton reads up to a NUL: one inside the text would hide what follows it.
bool to_binary(int family, std::string_view text, void* out) {
  if (text.find('\0') != std::string_view::npos) return false;
  return inet_pton(family, std::string(text).c_str(), out) == 1;
}

template <class Prefix, class ParseAddress>
std::optional<Prefix> parse_prefix(std::string_view text, unsigned most, ParseAddress parse_address) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto address = parse_address(text.substr(0, slash));
  const auto length = parse_length(text.substr(slash + 1), most);
  if (!address || !length) return std::nullopt;
  return Prefix{*address, *length};
}

}  // namespace

std::uint32_t mask_of(const Ipv4Prefix& p) { return p.length >= 32 ? 0xffffffff : ~(0xffffffff >> p.length); }

Ipv6Address mask_of(const Ipv6Prefix& p) {
  Ipv6Address mask;
  for (unsigned i = 0; i < 16; ++i) {
    const unsigned bits = p.length > 8 * i ? std::min(p.length - 8 * i, 8U) : 0;
    mask.octets[i] = static_cast<std::uint8_t>(0xff00U >> bits);
  }
  return mask;
}

Ipv4Prefix network_of(const Ipv4Prefix& p) { return {{p.address.value & mask_of(p)}, p.length}; }

Ipv6Prefix network_of(const Ipv6Prefix& p) {
  Ipv6Prefix network = p;
  const Ipv6Address mask = mask_of(p);
  for (std::size_t i = 0; i < 16; ++i) network.address.octets[i] &= mask.octets[i];
  return network;
}

bool contains(const Ipv4Prefix& p, Ipv4Address a) { return ((p.address.value ^ a.value) & mask_of(p)) == 0; }

bool contains(const Ipv6Prefix& p, const Ipv6Address& a) {
  return network_of(Ipv6Prefix{a, p.length}).address == network_of(p).address;
}

bool overlap(const Ipv4Prefix& a, const Ipv4Prefix& b) {
  return a.length <= b.length ? contains(a, b.address) : contains(b, a.address);
}

bool overlap(const Ipv6Prefix& a, const Ipv6Prefix& b) {
  return a.length <= b.length ? contains(a, b.address) : contains(b, a.address);
}

std::optional<MacAddress> parse_mac(std::string_view text) {
  if (text.size() != 17) return std::nullopt;
  MacAddress mac;
  for (std::size_t i = 0; i < 6; ++i) {
    const auto high = hex_digit(text[3 * i]);
    const auto low = hex_digit(text[3 * i + 1]);
    if (!high || !low || (i != 5 && text[3 * i + 2] != ':')) return std::nullopt;
    mac.octets[i] = static_cast<std::uint8_t>(*high << 4 | *low);
  }
  return mac;
}

std::optional<Ipv4Address> parse_ipv4(std::string_view text) {
  in_addr binary{};
  if (!to_binary(AF_INET, text, &binary)) return std::nullopt;
  return Ipv4Address{ntohl(binary.s_addr)};
}

std::optional<Ipv6Address> parse_ipv6(std::string_view text) {
  Ipv6Address address;
  if (!to_binary(AF_INET6, text, address.octets.data())) return std::nullopt;
  return address;
}

std::optional<Ipv4Prefix> parse_ipv4_prefix(std::string_view text) {
  return parse_prefix<Ipv4Prefix>(text, 32, parse_ipv4);
}

std::optional<Ipv6Prefix> parse_ipv6_prefix(std::string_view text) {
  return parse_prefix<Ipv6Prefix>(text, 128, parse_ipv6);
}

std::string to_string(const MacAddress& a) {
  char text[18];
  const auto& o = a.octets;
  std::snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", o[0], o[1], o[2], o[3], o[4], o[5]);
  return text;
}

std::string to_string(Ipv4Address a) {
  char text[INET_ADDRSTRLEN];
  const in_addr binary{htonl(a.value)};
  return inet_ntop(AF_INET, &binary, text, sizeof text);
}

std::string to_string(const Ipv6Address& a) {
  char text[INET6_ADDRSTRLEN];
  return inet_ntop(AF_INET6, a.octets.data(), text, sizeof text);
}

std::string to_string(const Ipv4Prefix& p) { return to_string(p.address) + '/' + std::to_string(p.length); }
std::string to_string(const Ipv6Prefix& p) { return to_string(p.address) + '/' + std::to_string(p.length); }

}  // namespace strata::wire
