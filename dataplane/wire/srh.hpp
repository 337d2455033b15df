// The Segment Routing Header (RFC 8754 section 2).
//
//   0: next header   1: Hdr Ext Len, in 8 octets without the first 8   2: routing type 4   3: Segments Left
//   4: Last Entry    5: flags    6: tag    8: segment list, Last Entry + 1 of 16 octets, last segment first    then
//   TLVs
#pragma once

#include <cstddef>
#include <cstdint>

#include "dataplane/wire/bytes.hpp"

namespace strata::wire {

inline constexpr std::uint8_t kRoutingTypeSrh = 4;
inline constexpr std::size_t kSrhFixedLength = 8;

enum class SrhFault : std::uint8_t { none, truncated, not_srh, bad };

class SrhView {
 public:
  // header: from the routing header's Next Header; octets after it are allowed.
  // bad: RFC 8754 section 4.3.1.1, S08 and S09: Last Entry beyond what the header has room for, or Segments Left beyond
  // Last Entry + 1 (one more than the list has: the reduced SRH). Both are judged whatever Segments Left is.
  static Checked<SrhView, SrhFault> check(Bytes header) {
    const std::uint8_t* p = header.data();
    if (header.size() < kSrhFixedLength) return {{}, SrhFault::truncated};
    if (p[2] != kRoutingTypeSrh) return {{}, SrhFault::not_srh};
    if (kSrhFixedLength + p[1] * 8U > header.size()) return {{}, SrhFault::truncated};
    if (!is_sane(p)) return {{}, SrhFault::bad};
    return {SrhView(p), SrhFault::none};
  }

  std::uint8_t next_header() const { return data_[0]; }
  std::size_t header_length() const { return kSrhFixedLength + data_[1] * 8U; }  // octets, TLVs included
  std::uint8_t segments_left() const { return data_[3]; }
  std::uint8_t last_entry() const { return data_[4]; }
  std::uint8_t flags() const { return data_[5]; }
  std::uint16_t tag() const { return load_be16(data_ + 6); }

  // Entry i of the list, 0 the last to be visited; beyond last_entry() the unspecified address, which is never a SID.
  Ipv6Address segment(std::size_t i) const {
    return i <= last_entry() ? read_ipv6(data_ + kSrhFixedLength + i * 16) : Ipv6Address{};
  }

  // What follows the list, unread.
  Bytes tlvs() const {
    const std::size_t begin = kSrhFixedLength + (last_entry() + 1U) * 16U;
    return {data_ + begin, header_length() - begin};
  }

 private:
  SrhView() = default;
  explicit SrhView(const std::uint8_t* data) : data_(data) {}

  static bool is_sane(const std::uint8_t* p) {
    const unsigned room = p[1] / 2U;  // entries
    const unsigned entries = p[4] + 1U;
    return entries <= room && p[3] <= entries;
  }

  const std::uint8_t* data_ = nullptr;
};

}  // namespace strata::wire
