// An IPv4 packet right behind an IPv6 header, neither of which has anything unusual: both headers in one look (RFC 8200
// section 3, RFC 791 section 3.1).
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

class Ipv4InIpv6View {
 public:
  static constexpr std::size_t kIpv4Offset = kIpv6HeaderLength;
  static constexpr std::size_t kHeadersLength = kIpv4Offset + kIpv4MinHeaderLength;

  // packet: from the version octet; more octets than the payload length says are allowed. ecn: of what carried it.
  // Nothing: a header is wrong, or has options or extension headers, or something else follows, or RFC 6040 section 4.2
  // has more to do than to leave each ECN field as it is: the views of either header tell. Of the sum nothing is said.
  [[gnu::always_inline]] static std::optional<Ipv4InIpv6View> check(Bytes packet, Ecn ecn) {
    if (packet.size() < kHeadersLength) [[unlikely]]
      return std::nullopt;
    const std::uint8_t* p = packet.data();
    const std::uint64_t ipv6 = load_be64(p);
    const std::uint64_t ipv4 = load_be64(p + kIpv4Offset);
    const auto ecn_bits = static_cast<std::uint64_t>(ecn);
    if ((ipv6 & 0xf030'0000'0000'ff00) != (0x6000'0000'0000'0000 | ecn_bits << 52 | std::uint64_t{kProtocolIpv4} << 8))
        [[unlikely]]
      return std::nullopt;
    // Where nothing outside says ECN, what is said inside stays.
    if (ipv4 >> 56 != 0x45 || (ecn != Ecn::not_ect && (ipv4 >> 48 & 3) != ecn_bits)) [[unlikely]]
      return std::nullopt;
    const std::size_t payload = ipv6 >> 16 & 0xffff;
    const std::size_t total = ipv4 >> 32 & 0xffff;
    if (kIpv6HeaderLength + payload > packet.size() || total > payload || total < kIpv4MinHeaderLength) [[unlikely]]
      return std::nullopt;
    return Ipv4InIpv6View(p, payload, total);
  }

  std::size_t ipv6_total_length() const { return kIpv6HeaderLength + ipv6_payload_; }  // octets

  const std::uint8_t* ipv6_addresses() const { return data_ + 8; }  // 32: source, destination

  bool ipv4_sum_is_right() const { return ipv4_header_sum_is_right(data_ + kIpv4Offset, kIpv4MinHeaderLength); }
  std::size_t ipv4_total_length() const { return ipv4_total_; }  // octets
  std::uint8_t ttl() const { return data_[kIpv4Offset + 8]; }
  std::uint64_t ipv4_addresses() const { return load_be64(data_ + kIpv4Offset + 12); }  // both: source, destination

 private:
  Ipv4InIpv6View(const std::uint8_t* data, std::size_t ipv6_payload, std::size_t ipv4_total)
      : data_(data), ipv6_payload_(ipv6_payload), ipv4_total_(ipv4_total) {}

  const std::uint8_t* data_;
  std::size_t ipv6_payload_;
  std::size_t ipv4_total_;
};

}  // namespace strata::wire
