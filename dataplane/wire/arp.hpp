// ARP for IPv4 over Ethernet (RFC 826).
//
//   0: hardware 1   2: protocol 0800   4: 6   5: 4   6: operation   8: sender MAC, IP   18: target MAC, IP
#pragma once

#include <cstddef>
#include <cstdint>

#include "dataplane/wire/bytes.hpp"
#include "dataplane/wire/ethernet.hpp"

namespace strata::wire {

inline constexpr std::size_t kArpLength = 28;
inline constexpr std::uint16_t kArpRequest = 1;
inline constexpr std::uint16_t kArpReply = 2;

enum class ArpFault : std::uint8_t { none, truncated, unsupported };

class ArpView {
 public:
  // packet: an Ethernet payload, padding allowed. unsupported: other address families or lengths than 6 and 4.
  static Checked<ArpView, ArpFault> check(Bytes packet) {
    const std::uint8_t* p = packet.data();
    if (packet.size() < kArpLength) return {{}, ArpFault::truncated};
    if (load_be16(p) != 1 || load_be16(p + 2) != kEtherIpv4 || p[4] != 6 || p[5] != 4)
      return {{}, ArpFault::unsupported};
    return {ArpView(p), ArpFault::none};
  }

  std::uint16_t operation() const { return load_be16(data_ + 6); }
  MacAddress sender_mac() const { return read_mac(data_ + 8); }
  Ipv4Address sender_ip() const { return read_ipv4(data_ + 14); }
  MacAddress target_mac() const { return read_mac(data_ + 18); }
  Ipv4Address target_ip() const { return read_ipv4(data_ + 24); }

 private:
  ArpView() = default;
  explicit ArpView(const std::uint8_t* data) : data_(data) {}

  const std::uint8_t* data_ = nullptr;
};

// packet has room for kArpLength octets.
inline void write_arp(std::uint8_t* packet, std::uint16_t operation, const MacAddress& sender_mac,
                      Ipv4Address sender_ip, const MacAddress& target_mac, Ipv4Address target_ip) {
  store_be16(packet, 1);
  store_be16(packet + 2, kEtherIpv4);
  packet[4] = 6;
  packet[5] = 4;
  store_be16(packet + 6, operation);
  std::memcpy(packet + 8, sender_mac.octets.data(), 6);
  store_be32(packet + 14, sender_ip.value);
  std::memcpy(packet + 18, target_mac.octets.data(), 6);
  store_be32(packet + 24, target_ip.value);
}

}  // namespace strata::wire
