// The IPv4 header (RFC 791 section 3.1), checked as RFC 1812 section 5.2.2 asks.
//
//    0: version 4 | IHL 4   1: TOS (DSCP 6, ECN 2)   2: total length     4: id     6: 0 DF MF | offset 13, in 8 octets
//    8: TTL   9: protocol  10: header checksum      12: source          16: destination      20: options, to IHL * 4
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>

#include "dataplane/wire/bytes.hpp"
#include "dataplane/wire/checksum.hpp"
#include "dataplane/wire/protocol.hpp"

namespace strata::wire {

inline constexpr std::size_t kIpv4MinHeaderLength = 20;

enum class Ipv4Fault : std::uint8_t { none, truncated, bad_version, bad_header_length, bad_length, bad_checksum };

// Of a header's checksum: nobody has looked, or a device did and it is right.
enum class HeaderSum : std::uint8_t { unknown, right };

class Ipv4View {
 public:
  // packet: from the version octet; more octets than the total length says are allowed (Ethernet padding).
  // Truncated: there is less than the header, or than the header announces.
  [[gnu::always_inline]] static Checked<Ipv4View, Ipv4Fault> check(Bytes packet, HeaderSum sum = HeaderSum::unknown) {
    const std::uint8_t* p = packet.data();
    if (packet.size() < kIpv4MinHeaderLength) [[unlikely]]
      return {{}, Ipv4Fault::truncated};
    if (p[0] != kUsualFirstOctet) [[unlikely]]
      return check_unusual(packet, sum);
    const std::size_t total = load_be16(p + 2);
    if (total < kIpv4MinHeaderLength) [[unlikely]]
      return {{}, Ipv4Fault::bad_length};
    if (total > packet.size()) [[unlikely]]
      return {{}, Ipv4Fault::truncated};
    if (sum == HeaderSum::unknown && !ipv4_header_sum_is_right(p, kIpv4MinHeaderLength)) [[unlikely]]
      return {{}, Ipv4Fault::bad_checksum};
    return {Ipv4View(p, kIpv4MinHeaderLength, total), Ipv4Fault::none};
  }

  // packet: check() has found it right.
  static Ipv4View of_checked(Bytes packet) {
    assert(check(packet, HeaderSum::right));
    const std::uint8_t* p = packet.data();
    return {p, (p[0] & 0x0fU) * 4U, load_be16(p + 2)};
  }

  std::size_t header_length() const { return header_length_; }  // octets, options included: 20..60
  std::size_t total_length() const { return total_length_; }    // octets, header included
  std::uint8_t tos() const { return data_[1]; }
  std::uint8_t dscp() const { return data_[1] >> 2; }
  std::uint8_t ecn() const { return data_[1] & 3; }
  std::uint16_t id() const { return load_be16(data_ + 4); }
  bool dont_fragment() const { return (data_[6] & 0x40) != 0; }
  bool more_fragments() const { return (data_[6] & 0x20) != 0; }

  // Octets: 0..65528.
  std::size_t fragment_offset() const { return (load_be16(data_ + 6) & 0x1fffU) * 8U; }
  bool is_fragment() const { return (load_be16(data_ + 6) & 0x3fff) != 0; }
  std::uint8_t ttl() const { return data_[8]; }
  std::uint8_t protocol() const { return data_[9]; }
  std::uint16_t checksum() const { return load_be16(data_ + 10); }
  Ipv4Address source() const { return read_ipv4(data_ + 12); }
  Ipv4Address destination() const { return read_ipv4(data_ + 16); }
  std::uint64_t addresses() const { return load_be64(data_ + 12); }  // both: source, destination

  // What the total length covers after the header and its options.
  Bytes payload() const { return {data_ + header_length(), total_length() - header_length()}; }

 private:
  static constexpr std::uint8_t kUsualFirstOctet = 0x45;  // version 4, no options

  // Of at least 20 octets, with options or with a broken first octet.
  [[gnu::noinline]] static Checked<Ipv4View, Ipv4Fault> check_unusual(Bytes packet, HeaderSum sum) {
    const std::uint8_t* p = packet.data();
    if ((p[0] >> 4) != 4) return {{}, Ipv4Fault::bad_version};
    const std::size_t header = (p[0] & 0x0fU) * 4U;
    if (header < kIpv4MinHeaderLength) return {{}, Ipv4Fault::bad_header_length};
    if (header > packet.size()) return {{}, Ipv4Fault::truncated};
    const std::size_t total = load_be16(p + 2);
    if (total < header) return {{}, Ipv4Fault::bad_length};
    if (total > packet.size()) return {{}, Ipv4Fault::truncated};
    if (sum == HeaderSum::unknown && !ipv4_header_sum_is_right(p, header)) return {{}, Ipv4Fault::bad_checksum};
    return {Ipv4View(p, header, total), Ipv4Fault::none};
  }

  Ipv4View() = default;
  Ipv4View(const std::uint8_t* data, std::size_t header_length, std::size_t total_length)
      : data_(data),
        header_length_(static_cast<std::uint16_t>(header_length)),
        total_length_(static_cast<std::uint16_t>(total_length)) {}

  const std::uint8_t* data_ = nullptr;
  std::uint16_t header_length_ = 0;
  std::uint16_t total_length_ = 0;
};

static_assert(sizeof(Checked<Ipv4View, Ipv4Fault>) == 16);

namespace detail {

// Changes the header's 16-bit word at offset (even, not the checksum's own) and the checksum with it.
inline void ipv4_replace_word(std::uint8_t* header, std::size_t offset, std::uint16_t new_word) {
  const std::uint16_t old_word = load_be16(header + offset);
  store_be16(header + 10, checksum_update(load_be16(header + 10), old_word, new_word));
  store_be16(header + offset, new_word);
}

}  // namespace detail

// TTL - 1, checksum updated (RFC 1812 section 5.3.1, RFC 1624). header: of a checked packet whose TTL is not 0.
inline void ipv4_decrement_ttl(std::uint8_t* header) {
  // RFC 1624 section 3, equation 3, where ~m + m' is the same for each TTL, 0xffff - 0x0100: ~(~HC + 0xfeff) with its
  // carry is HC + 0x0100, and 1 more where that leaves 16 bits or makes all of them 1. As the words lie in memory: RFC
  // 1071 section 2 (B).
  const std::uint32_t sum =
      detail::load_native<std::uint16_t>(header + 10) + std::uint32_t{detail::be(std::uint16_t{0x0100})};
  const auto checksum = static_cast<std::uint16_t>(sum + (sum >= 0xffff ? 1 : 0));
  std::memcpy(header + 10, &checksum, sizeof checksum);
  --header[8];
}

// Sets the ECN field to the low two bits of ecn, checksum updated (RFC 6040, RFC 1624). header: of a checked packet.
inline void ipv4_set_ecn(std::uint8_t* header, std::uint8_t ecn) {
  detail::ipv4_replace_word(header, 0, static_cast<std::uint16_t>((load_be16(header) & ~3) | (ecn & 3)));
}

}  // namespace strata::wire
