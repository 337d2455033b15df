// What stands before ESP's sequence number in the packets of an outbound SA, laid out once: the SA's share of it never
// changes from packet to packet.
//
//   | 45 TOS length | ID flags | TTL protocol sum | source | destination | UDP 8, if any | SPI |
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "dataplane/wire/address.hpp"
#include "dataplane/wire/bytes.hpp"
#include "dataplane/wire/checksum.hpp"
#include "dataplane/wire/ipv4.hpp"
#include "dataplane/wire/protocol.hpp"
#include "dataplane/wire/udp.hpp"

namespace strata {

// RFC 4301 section 5.1.2.1. copy: as in the IPv4 packet inside, since the IPv6 header between has no such bit.
enum class DfMode : std::uint8_t { set, clear, copy };

// What the outer header says that is not copied from the packet inside (RFC 4301 section 5.1.2.1).
struct TunnelHeader {
  wire::Ipv4Address source;
  wire::Ipv4Address destination;
  std::uint16_t udp_source = 0;  // 0: plain ESP, protocol 50
  std::uint16_t udp_destination = 0;
  std::uint8_t ttl = 64;
  std::optional<std::uint8_t> dscp;  // nothing: the inner packet's (RFC 2983, uniform)
  DfMode df = DfMode::set;
};

class OuterHeader {
 public:
  // What each packet has of its own.
  struct Own {
    std::uint8_t tos;
    bool dont_fragment;
    std::uint16_t id;
    std::uint16_t total;  // octets of the whole IPv4 packet
  };

  OuterHeader(const TunnelHeader& tunnel, std::uint32_t spi) : tunnel_(tunnel) {
    const std::uint64_t destination = tunnel.destination.value;
    third_ = destination << 32 | (has_udp() ? std::uint32_t{tunnel.udp_source} << 16 | tunnel.udp_destination : spi);
    spi_ = spi;
    length_ = wire::kIpv4MinHeaderLength + (has_udp() ? wire::kUdpHeaderLength : 0) + sizeof spi_;
    set_ttl(tunnel.ttl);
  }

  const TunnelHeader& tunnel() const { return tunnel_; }
  std::uint32_t spi() const { return spi_; }
  bool has_udp() const { return tunnel_.udp_destination != 0; }
  // Octets, the SPI included: 32 or 24.
  std::size_t length() const { return length_; }

  // Addresses and ports stay: whoever is told of them by an ICMP error reads them meanwhile.
  void change(std::uint8_t ttl, std::optional<std::uint8_t> dscp, DfMode df) {
    tunnel_.dscp = dscp;
    tunnel_.df = df;
    set_ttl(ttl);
  }

  // length() octets. By whole words, and the sum from what they are made of: one that is added up from the packet waits
  // for each of the pieces which were just written to arrive in the cache. RFC 3948 section 2.1: UDP's checksum is 0.
  [[gnu::always_inline]] void write(std::uint8_t* at, const Own& own) const {
    const std::uint32_t fragment = std::uint32_t{own.id} << 16 | (own.dont_fragment ? 0x4000U : 0U);
    const std::uint32_t sum = wire::detail::fold(sum_ + own.tos + own.total + (fragment >> 16) + (fragment & 0xffff));
    wire::store_be64(
        at, std::uint64_t{0x45} << 56 | std::uint64_t{own.tos} << 48 | std::uint64_t{own.total} << 32 | fragment);
    wire::store_be64(at + 8, second_ | std::uint64_t{sum ^ 0xffff} << 32);
    wire::store_be64(at + 16, third_);
    const std::uint64_t udp_length = own.total - wire::kIpv4MinHeaderLength;
    if (has_udp()) [[likely]]
      wire::store_be64(at + 24, udp_length << 48 | spi_);
  }

 private:
  void set_ttl(std::uint8_t ttl) {
    tunnel_.ttl = ttl;
    const std::uint32_t protocol = has_udp() ? wire::kProtocolUdp : wire::kProtocolEsp;
    const std::uint32_t first = std::uint32_t{ttl} << 8 | protocol;
    const std::uint32_t source = tunnel_.source.value;
    const std::uint32_t destination = tunnel_.destination.value;
    second_ = std::uint64_t{first} << 48 | source;
    sum_ = wire::detail::fold(0x4500 + first + (source >> 16) + (source & 0xffff) + (destination >> 16) +
                              (destination & 0xffff));
  }

  std::uint64_t second_;  // TTL | protocol | 0 | source
  std::uint64_t third_;   // destination, and the ports or the SPI
  std::uint32_t spi_;
  std::uint16_t length_;
  std::uint16_t sum_;  // of all 16-bit words but what a packet has of its own
  TunnelHeader tunnel_;
};
static_assert(sizeof(OuterHeader) == 40);

}  // namespace strata
