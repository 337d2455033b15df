// ICMP (RFC 792):  0: type   1: code   2: checksum, over all of the message   4: by the type   8: by the type
#pragma once

#include <cstddef>
#include <cstdint>

#include "dataplane/wire/bytes.hpp"
#include "dataplane/wire/checksum.hpp"
#include "dataplane/wire/ipv4.hpp"

namespace strata::wire {

inline constexpr std::size_t kIcmpHeaderLength = 8;
inline constexpr std::uint8_t kIcmpEchoReply = 0;
inline constexpr std::uint8_t kIcmpUnreachable = 3;
inline constexpr std::uint8_t kIcmpFragmentationNeeded = 4;  // a code of it
inline constexpr std::uint8_t kIcmpEcho = 8;
inline constexpr std::uint8_t kIcmpTimeExceeded = 11;

enum class IcmpFault : std::uint8_t { none, truncated, bad_checksum };

class IcmpView {
 public:
  // payload: of the IPv4 packet, all of it.
  static Checked<IcmpView, IcmpFault> check(Bytes payload) {
    if (payload.size() < kIcmpHeaderLength) return {{}, IcmpFault::truncated};
    if (wire::checksum(payload) != 0) return {{}, IcmpFault::bad_checksum};
    return {IcmpView(payload), IcmpFault::none};
  }
  std::uint8_t type() const { return data_[0]; }
  std::uint8_t code() const { return data_[1]; }
  std::uint16_t checksum() const { return load_be16(data_ + 2); }
  std::uint16_t next_hop_mtu() const { return load_be16(data_ + 6); }  // of "fragmentation needed", RFC 1191 section 4
  Bytes data() const { return {data_ + kIcmpHeaderLength, size_ - kIcmpHeaderLength}; }

 private:
  IcmpView() = default;
  explicit IcmpView(Bytes message) : data_(message.data()), size_(message.size()) {}
  const std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

enum class QuoteFault : std::uint8_t { none, truncated, not_the_start };

// The packet that an ICMP error is about, of which it quotes the beginning (RFC 792: 8 octets behind the header; RFC
// 1812 section 4.3.2.3: as many as 576 octets in all have room for). Its checksum is not judged: routers change
// headers.
class QuotedIpv4View {
 public:
  // not_the_start: a fragment but the first, which says nothing of ports or an SPI.
  static Checked<QuotedIpv4View, QuoteFault> check(Bytes quote) {
    const std::uint8_t* p = quote.data();
    if (quote.size() < kIpv4MinHeaderLength || (p[0] >> 4) != 4) return {{}, QuoteFault::truncated};
    const std::size_t header = (p[0] & 0x0fU) * 4U;
    if (header < kIpv4MinHeaderLength || header > quote.size()) return {{}, QuoteFault::truncated};
    if ((load_be16(p + 6) & 0x1fff) != 0) return {{}, QuoteFault::not_the_start};
    return {QuotedIpv4View(quote, header), QuoteFault::none};
  }
  std::size_t total_length() const { return load_be16(quote_.data() + 2); }  // octets that the packet had
  bool dont_fragment() const { return (quote_[6] & 0x40) != 0; }
  std::uint8_t protocol() const { return quote_[9]; }
  Ipv4Address source() const { return read_ipv4(quote_.data() + 12); }
  Ipv4Address destination() const { return read_ipv4(quote_.data() + 16); }
  Bytes payload() const { return quote_.subspan(header_length_); }  // as far as it is quoted

 private:
  QuotedIpv4View() = default;
  QuotedIpv4View(Bytes quote, std::size_t header_length) : quote_(quote), header_length_(header_length) {}
  Bytes quote_;
  std::size_t header_length_ = 0;
};

// Says of another packet that something is wrong with it, and is never answered by one more (RFC 1122 section 3.2.2):
// unreachable, source quench, redirect, time exceeded, parameter problem.
constexpr bool is_icmp_error(std::uint8_t type) {
  return type == kIcmpUnreachable || type == 4 || type == 5 || type == kIcmpTimeExceeded || type == 12;
}

}  // namespace strata::wire
