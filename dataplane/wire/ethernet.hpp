// Ethernet II with up to two VLAN tags (IEEE 802.3, 802.1Q).
//
//   | destination 6 | source 6 | [ 8100 or 88a8 | TCI ] 0..2 times | EtherType 2 | payload
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "dataplane/wire/bytes.hpp"

namespace strata::wire {

inline constexpr std::uint16_t kEtherIpv4 = 0x0800;
inline constexpr std::uint16_t kEtherArp = 0x0806;
inline constexpr std::uint16_t kEtherVlan = 0x8100;
inline constexpr std::uint16_t kEtherIpv6 = 0x86dd;
inline constexpr std::uint16_t kEtherQinq = 0x88a8;

inline constexpr std::size_t kEthernetHeaderLength = 14;
inline constexpr std::size_t kVlanTagLength = 4;
inline constexpr std::size_t kMaxVlanTags = 2;

enum class EthernetFault : std::uint8_t { none, truncated, vlan_depth };

class EthernetView {
 public:
  // frame: from the destination MAC, without preamble and FCS. vlan_depth: a third tag, whatever follows it.
  static Checked<EthernetView, EthernetFault> check(Bytes frame) {
    if (frame.size() < kEthernetHeaderLength) return {{}, EthernetFault::truncated};
    std::size_t length = kEthernetHeaderLength;
    while (is_tag(load_be16(frame.data() + length - 2))) {
      if (length == kEthernetHeaderLength + kMaxVlanTags * kVlanTagLength) return {{}, EthernetFault::vlan_depth};
      length += kVlanTagLength;
      if (frame.size() < length) return {{}, EthernetFault::truncated};
    }
    return {EthernetView(frame.data(), length), EthernetFault::none};
  }

  // Whether a frame is untagged, to that address and of that type, which is no tag's: what most frames are, in three
  // comparisons.
  static bool is_plain(Bytes frame, const MacAddress& to, std::uint16_t type) {
    return frame.size() >= kEthernetHeaderLength &&
           std::memcmp(frame.data(), to.octets.data(), to.octets.size()) == 0 &&
           load_be16(frame.data() + kEthernetHeaderLength - 2) == type;
  }

  MacAddress destination() const { return read_mac(data_); }
  bool is_to(const MacAddress& mac) const { return std::memcmp(data_, mac.octets.data(), mac.octets.size()) == 0; }
  MacAddress source() const { return read_mac(data_ + 6); }

  // Of the payload: the one after the tags. Below 0x0600 it is an IEEE 802.3 length.
  std::uint16_t ethertype() const { return load_be16(data_ + header_length_ - 2); }

  // 14, 18 or 22 octets: where the payload begins.
  std::size_t header_length() const { return header_length_; }
  int vlan_count() const { return static_cast<int>((header_length_ - kEthernetHeaderLength) / kVlanTagLength); }

  // VID of tag i, counted from 0 at the outermost; 0, the VID of a mere priority tag, where there is no such tag.
  std::uint16_t vlan_id(int i) const {
    if (i < 0 || i >= vlan_count()) return 0;
    return load_be16(data_ + kEthernetHeaderLength + static_cast<std::size_t>(i) * kVlanTagLength) & 0x0fff;
  }

 private:
  EthernetView() = default;
  EthernetView(const std::uint8_t* data, std::size_t header_length) : data_(data), header_length_(header_length) {}
  static bool is_tag(std::uint16_t type) { return type == kEtherVlan || type == kEtherQinq; }

  const std::uint8_t* data_ = nullptr;
  std::size_t header_length_ = 0;
};

// Writes an untagged header; header has room for kEthernetHeaderLength octets.
inline void write_ethernet(std::uint8_t* header, const MacAddress& destination, const MacAddress& source,
                           std::uint16_t ethertype) {
  std::memcpy(header, destination.octets.data(), 6);
  std::memcpy(header + 6, source.octets.data(), 6);
  store_be16(header + 12, ethertype);
}

}  // namespace strata::wire
