// The MTU inside a tunnel: the largest IPv4 packet that a policy can carry to its peer in one piece.
//
//   | IPv4 20 | UDP 8, if any | ESP 8 | IV 8 | IPv6 40 | SRH, if any | inner IPv4 | padding | 2 | ICV 16 | <= MTU
//                                            |<-------- in whole words of 4 octets -------->|
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "config/config.hpp"
#include "config/steering.hpp"

namespace strata::config {

// RFC 791 section 3.1: what every host takes. A tunnel that carries less is a mistake.
inline constexpr std::uint16_t kLeastInnerMtu = 576;

// inner = port_mtu less all the others.
struct InnerMtu {
  std::string port;  // the one that leads to the peer
  std::uint16_t port_mtu = 0;
  std::uint16_t ipv4 = 20;
  std::uint16_t udp = 0;
  std::uint16_t esp = 8;
  std::uint16_t iv = 8;
  std::uint16_t icv = 16;
  std::uint16_t trailer = 2;  // with the octets that do not fill a word
  std::uint16_t ipv6 = 40;
  std::uint16_t srh = 0;
  std::uint16_t inner = 0;
};

// Nothing: no SA takes the policy's packets, or there is no way to the peer.
std::optional<InnerMtu> inner_mtu(const Steering& steering, const Policy& policy);

// "1398 = 1500 (wan) - 20 IPv4 - 8 UDP - 8 ESP - 8 IV - 16 ICV - 2 trailer and padding - 40 IPv6 - 0 SRH"
std::string to_string(const InnerMtu& mtu);

// That, or why there is none.
std::string mtu_text(const Steering& steering, const Policy& policy);

}  // namespace strata::config
