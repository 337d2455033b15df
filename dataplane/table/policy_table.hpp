// SRv6 policies (RFC 8986 section 5, RFC 9256 section 2): the header that each pushes, made beforehand.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "dataplane/packet/id.hpp"
#include "dataplane/relaxed.hpp"
#include "dataplane/table/fixed.hpp"
#include "dataplane/wire/address.hpp"
#include "dataplane/wire/ipv6.hpp"

namespace strata {

enum class EncapMode : std::uint8_t { encaps, encaps_red };

// What the outer IPv6 header says that is not copied from the packet inside.
struct PolicyHeader {
  std::uint8_t hop_limit = 64;
  std::optional<std::uint8_t> dscp;  // nothing: the inner packet's (RFC 2983, uniform)
};

class alignas(64) Policy {
 public:
  static constexpr std::size_t kMaxSegments = 16;

  // segments: 1 to kMaxSegments, in the order of travel. sa: the outbound SA whose selectors take these packets;
  // none(): there is none, and they are dropped.
  Policy(const wire::Ipv6Address& source, std::span<const wire::Ipv6Address> segments, EncapMode mode,
         const PolicyHeader& values, OutSaId sa);

  // IPv6 header, and SRH if there is one: payload length, traffic class and flow label are for each packet to fill in.
  std::span<const std::uint8_t> header() const { return {header_.data(), length_}; }
  const std::optional<std::uint8_t>& dscp() const { return dscp_; }
  OutSaId sa() const { return sa_; }

  // What lies behind the SA, as seen from before the tunnel.
  struct Way {
    AdjId<V4> adj = AdjId<V4>::none();  // the outer packet's next hop; none(): no route leads there
    Relaxed<std::uint16_t> mtu{65535};  // octets of IPv4 packet that fit
    Relaxed<std::uint16_t> mss{0};      // TCP's MSS is kept to this; 0: it is let alone
    std::uint16_t around = 0;           // octets that the SA puts around what it encrypts: IPv4, UDP, ESP, IV, ICV
  };
  void set_way(const Way& way) { way_ = configured_ = way; }
  const Way& way() const { return way_; }

  // What fits into an outer packet of so many octets (RFC 4303 section 2.4: the text is whole words, its last two
  // octets are the trailer's), and into an IPv6 packet.
  std::size_t fits_outer(std::size_t mtu) const { return ((mtu - way_.around) & ~std::size_t{3}) - 2 - length_; }
  std::size_t fits_ipv6(std::size_t mtu) const { return mtu - length_; }
  // For a while: somewhere on the way less fits.
  void lower_mtu(std::uint16_t mtu) {
    const auto least = std::min<std::uint16_t>(way_.mtu, mtu);
    way_.mtu = least;
    if (way_.mss != 0) way_.mss = std::min(std::uint16_t{way_.mss}, static_cast<std::uint16_t>(least - kTcpOverIpv4));
  }
  void restore_mtu() {
    way_.mtu = configured_.mtu;
    way_.mss = configured_.mss;
  }

  // RFC 6691 section 2: headers without options.
  static constexpr std::uint16_t kTcpOverIpv4 = 40;

 private:
  static constexpr std::size_t kMaxHeader = wire::kIpv6HeaderLength + 8 + kMaxSegments * 16;

  Way way_;
  OutSaId sa_;
  std::uint16_t length_ = 0;
  std::optional<std::uint8_t> dscp_;
  std::array<std::uint8_t, kMaxHeader> header_{};  // without an SRH it ends in the first line
  Way configured_;
};

class PolicyTable {
 public:
  PolicyTable() = default;
  explicit PolicyTable(std::vector<Policy> policies) : policies_(std::move(policies)) {}
  const Policy& operator[](PolicyId id) const { return policies_[id.index()]; }
  Policy& operator[](PolicyId id) { return policies_[id.index()]; }
  std::size_t size() const { return policies_.size(); }

 private:
  Fixed<Policy> policies_;
};

}  // namespace strata
