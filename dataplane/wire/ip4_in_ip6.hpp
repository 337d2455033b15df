// An IPv4 packet right behind an IPv6 header, neither of which has anything unusual: both headers in one look.
//
//   | 6 TC label | length 4 hop | source | destination | 45 TOS length | ID flags, offset | TTL protocol sum | s | d |
//   0            4              8        24            40              44                 48                 52  56  60
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "dataplane/wire/bytes.hpp"
#include "dataplane/wire/ecn.hpp"
#include "dataplane/wire/ipv4.hpp"
#include "dataplane/wire/ipv6.hpp"
#include "dataplane/wire/protocol.hpp"

namespace strata::wire {

class Ip4InIp6View {
 public:
  static constexpr std::size_t kIp4Offset = kIpv6HeaderLength;
  static constexpr std::size_t kLength = kIp4Offset + kIpv4MinHeaderLength;

  // packet: from the version octet; more octets than the payload length says are allowed. ecn: what both headers have
  // to say. Nothing: a header is wrong, or has options or extension headers, or another ECN: the views of each tell.
  [[gnu::always_inline]] static std::optional<Ip4InIp6View> check(Bytes packet, Ecn ecn) {
    if (packet.size() < kLength) [[unlikely]]
      return std::nullopt;
    const std::uint8_t* p = packet.data();
    const std::uint64_t ip6 = load_be64(p);
    const std::uint64_t ip4 = load_be64(p + kIp4Offset);
    const auto ecn_bits = static_cast<std::uint64_t>(ecn);
    if ((ip6 & 0xf030'0000'0000'ff00) != (0x6000'0000'0000'0000 | ecn_bits << 52 | std::uint64_t{kProtocolIpv4} << 8))
        [[unlikely]]
      return std::nullopt;
    if ((ip4 & 0xff03'0000'0000'0000) != (0x4500'0000'0000'0000 | ecn_bits << 48)) [[unlikely]]
      return std::nullopt;
    const std::size_t payload = ip6 >> 16 & 0xffff;
    const std::size_t total = ip4 >> 32 & 0xffff;
    if (kIpv6HeaderLength + payload > packet.size() || total > payload || total < kIpv4MinHeaderLength) [[unlikely]]
      return std::nullopt;
    if (!ipv4_header_sum_is_right(p + kIp4Offset, kIpv4MinHeaderLength)) [[unlikely]]
      return std::nullopt;
    return Ip4InIp6View(p, payload, total);
  }

  std::size_t total_length() const { return kIpv6HeaderLength + payload_; }  // of the IPv6 packet
  const std::uint8_t* addresses() const { return data_ + 8; }                // 32 octets: source, destination

  std::size_t ip4_length() const { return ip4_length_; }  // of the IPv4 packet
  std::uint8_t ttl() const { return data_[kIp4Offset + 8]; }
  Ipv4Address source() const { return read_ipv4(data_ + kIp4Offset + 12); }
  Ipv4Address destination() const { return read_ipv4(data_ + kIp4Offset + 16); }
  std::uint64_t ip4_addresses() const { return load_be64(data_ + kIp4Offset + 12); }  // both: source, destination

 private:
  Ip4InIp6View(const std::uint8_t* data, std::size_t payload, std::size_t ip4_length)
      : data_(data), payload_(payload), ip4_length_(ip4_length) {}

  const std::uint8_t* data_;
  std::size_t payload_;
  std::size_t ip4_length_;
};

}  // namespace strata::wire
