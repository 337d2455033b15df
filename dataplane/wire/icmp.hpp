// ICMP (RFC 792):  0: type   1: code   2: checksum, over all of the message   4: by the type   8: by the type
#pragma once

#include <cstddef>
#include <cstdint>

#include "dataplane/wire/bytes.hpp"
#include "dataplane/wire/checksum.hpp"

namespace strata::wire {

inline constexpr std::size_t kIcmpHeaderLength = 8;
inline constexpr std::uint8_t kIcmpEchoReply = 0;
inline constexpr std::uint8_t kIcmpUnreachable = 3;
inline constexpr std::uint8_t kIcmpEcho = 8;
inline constexpr std::uint8_t kIcmpTimeExceeded = 11;

enum class IcmpFault : std::uint8_t { none, truncated, bad_checksum };

class IcmpView {
 public:
  // payload: of the IPv4 packet, all of it.
  static Checked<IcmpView, IcmpFault> check(Bytes payload) {
    if (payload.size() < kIcmpHeaderLength) return {{}, IcmpFault::truncated};
    if (wire::checksum(payload) != 0) return {{}, IcmpFault::bad_checksum};
    return {IcmpView(payload.data()), IcmpFault::none};
  }
  std::uint8_t type() const { return data_[0]; }
  std::uint8_t code() const { return data_[1]; }
  std::uint16_t checksum() const { return load_be16(data_ + 2); }

 private:
  IcmpView() = default;
  explicit IcmpView(const std::uint8_t* data) : data_(data) {}
  const std::uint8_t* data_ = nullptr;
};

// Says of another packet that something is wrong with it, and is never answered by one more (RFC 1122 section 3.2.2):
// unreachable, source quench, redirect, time exceeded, parameter problem.
constexpr bool is_icmp_error(std::uint8_t type) {
  return type == kIcmpUnreachable || type == 4 || type == 5 || type == kIcmpTimeExceeded || type == 12;
}

}  // namespace strata::wire
