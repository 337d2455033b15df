// Addresses and prefixes as values, and their text (inet_pton's forms; RFC 5952 for what is printed).
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace strata::wire {

struct MacAddress {
  std::array<std::uint8_t, 6> octets{};
  auto operator<=>(const MacAddress&) const = default;
};

inline constexpr MacAddress kBroadcastMac{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

struct Ipv4Address {
  std::uint32_t value = 0;  // host byte order: 192.0.2.1 is 0xc0000201
  auto operator<=>(const Ipv4Address&) const = default;
};

struct Ipv6Address {
  std::array<std::uint8_t, 16> octets{};  // as on the wire
  auto operator<=>(const Ipv6Address&) const = default;
};

// An address with a prefix length; whether host bits may be set is the user's affair.
struct Ipv4Prefix {
  Ipv4Address address;
  std::uint8_t length = 0;  // 0..32
  auto operator<=>(const Ipv4Prefix&) const = default;
};

struct Ipv6Prefix {
  Ipv6Address address;
  std::uint8_t length = 0;  // 0..128
  auto operator<=>(const Ipv6Prefix&) const = default;
};

std::uint32_t mask_of(const Ipv4Prefix& p);  // 24 -> 0xffffff00
Ipv6Address mask_of(const Ipv6Prefix& p);
Ipv4Prefix network_of(const Ipv4Prefix& p);  // host bits cleared
Ipv6Prefix network_of(const Ipv6Prefix& p);
bool contains(const Ipv4Prefix& p, Ipv4Address a);
bool contains(const Ipv6Prefix& p, const Ipv6Address& a);
bool overlap(const Ipv4Prefix& a, const Ipv4Prefix& b);
bool overlap(const Ipv6Prefix& a, const Ipv6Prefix& b);

// Strict: the whole text must be the address; a prefix needs its /length. Nothing: it is not one.
std::optional<MacAddress> parse_mac(std::string_view text);
std::optional<Ipv4Address> parse_ipv4(std::string_view text);
std::optional<Ipv6Address> parse_ipv6(std::string_view text);
std::optional<Ipv4Prefix> parse_ipv4_prefix(std::string_view text);
std::optional<Ipv6Prefix> parse_ipv6_prefix(std::string_view text);

std::string to_string(const MacAddress& a);  // 02:00:00:00:01:01
std::string to_string(Ipv4Address a);
std::string to_string(const Ipv6Address& a);
std::string to_string(const Ipv4Prefix& p);  // 192.0.2.0/24
std::string to_string(const Ipv6Prefix& p);

}  // namespace strata::wire
