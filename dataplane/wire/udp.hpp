// UDP (RFC 768):  0: source port   2: destination port   4: length, these 8 octets included   6: checksum
#pragma once

#include <cstddef>
#include <cstdint>

#include "dataplane/wire/bytes.hpp"

namespace strata::wire {

inline constexpr std::size_t kUdpHeaderLength = 8;

enum class UdpFault : std::uint8_t { none, truncated, bad_length };

class UdpView {
 public:
  // ip_payload: all of it; what stands after the UDP length is allowed and not part of the payload. The checksum is not
  // looked at. bad_length: a length below 8 or above what is there.
  static Checked<UdpView, UdpFault> check(Bytes ip_payload) {
    if (ip_payload.size() < kUdpHeaderLength) return {{}, UdpFault::truncated};
    const std::size_t length = load_be16(ip_payload.data() + 4);
    if (length < kUdpHeaderLength || length > ip_payload.size()) return {{}, UdpFault::bad_length};
    return {UdpView(ip_payload.data()), UdpFault::none};
  }

  std::uint16_t source_port() const { return load_be16(data_); }
  std::uint16_t destination_port() const { return load_be16(data_ + 2); }
  std::size_t length() const { return load_be16(data_ + 4); }  // octets, header included
  std::uint16_t checksum() const { return load_be16(data_ + 6); }
  Bytes payload() const { return {data_ + kUdpHeaderLength, length() - kUdpHeaderLength}; }

 private:
  UdpView() = default;
  explicit UdpView(const std::uint8_t* data) : data_(data) {}

  const std::uint8_t* data_ = nullptr;
};

}  // namespace strata::wire
