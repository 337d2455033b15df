// ICMPv6 (RFC 4443):  0: type   1: code   2: checksum, over a pseudo-header too   4: by the type   8: by the type
#pragma once

#include <cstddef>
#include <cstdint>

#include "dataplane/wire/bytes.hpp"
#include "dataplane/wire/checksum.hpp"
#include "dataplane/wire/ipv6.hpp"
#include "dataplane/wire/protocol.hpp"

namespace strata::wire {

inline constexpr std::size_t kIcmpv6HeaderLength = 8;
inline constexpr std::uint8_t kIcmpv6PacketTooBig = 2;

enum class Icmpv6Fault : std::uint8_t { none, truncated, bad_checksum };

class Icmpv6View {
 public:
  // ip: the packet's header; message: all that is behind the last extension header. RFC 8200 section 8.1: the
  // pseudo-header has both addresses, the message's length and its protocol.
  static Checked<Icmpv6View, Icmpv6Fault> check(const Ipv6View& ip, Bytes message) {
    if (message.size() < kIcmpv6HeaderLength) return {{}, Icmpv6Fault::truncated};
    std::uint8_t pseudo[40]{};
    std::memcpy(pseudo, ip.source_bytes(), 16);
    std::memcpy(pseudo + 16, ip.destination_bytes(), 16);
    store_be32(pseudo + 32, static_cast<std::uint32_t>(message.size()));
    pseudo[39] = kProtocolIcmpv6;
    const auto sum = static_cast<std::uint16_t>(~checksum(pseudo));
    // Nothing but both parts together makes all ones.
    const std::uint32_t all = std::uint32_t{sum} + static_cast<std::uint16_t>(~checksum(message));
    if (((all & 0xffff) + (all >> 16)) != 0xffff) return {{}, Icmpv6Fault::bad_checksum};
    return {Icmpv6View(message), Icmpv6Fault::none};
  }
  std::uint8_t type() const { return message_[0]; }
  std::uint8_t code() const { return message_[1]; }
  std::uint32_t mtu() const { return load_be32(message_.data() + 4); }  // of "packet too big", RFC 4443 section 3.2
  Bytes data() const { return message_.subspan(kIcmpv6HeaderLength); }

 private:
  Icmpv6View() = default;
  explicit Icmpv6View(Bytes message) : message_(message) {}
  Bytes message_;
};

}  // namespace strata::wire
