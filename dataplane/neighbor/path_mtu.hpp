// What routers on the way say of the MTU beyond the next hop, and for how long it is believed.
//
//   gateway ---- router ---- router ---- peer ---- router ---- last segment
//     |<---- the ESP packet, IPv4: ---->|<-- the IPv6 packet in it: -->|
//            RFC 1191, in clear                 RFC 8201, through an SA
#pragma once

#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

#include "dataplane/table/tables.hpp"
#include "dataplane/wire/icmp.hpp"

namespace strata {

// All workers may learn; expire() is the host's.
class PathMtus {
 public:
  // A router that says less is lying or broken: for IPv4 what every host takes (RFC 791 section 3.1), for IPv6 the
  // least that a link may have (RFC 8201 section 4).
  static constexpr std::uint32_t kLeastIpv4 = 576;
  static constexpr std::uint32_t kLeastIpv6 = 1280;
  // RFC 1191 section 6.3, RFC 8201 section 5.3: larger ones are tried again no sooner than this.
  static constexpr std::uint64_t kLifetimeNs = 600'000'000'000;

  // Lowers what the policies say of their way, and puts it back.
  explicit PathMtus(Tables& tables);

  // about: what an ICMPv4 error quotes; from, to: where it came from, and the address it came to. False: it is about
  // nothing that an SA of ours has sent lately, or not from where that was sent to, or says nothing.
  //
  // Anybody out there may have written it. Who has not seen the packets knows neither the SPI nor the sequence number.
  bool learn(const wire::QuotedIpv4View& about, const Origin& from, wire::Ipv4Address to, std::uint32_t mtu,
             std::uint64_t now_ns);

  // about: what an ICMPv6 error quotes of an IPv6 packet. from: the SA that it came out of, whose peer may speak of
  // what it is sent, and of nothing else.
  bool learn(wire::Bytes about, const InboundSa& from, std::uint32_t mtu, std::uint64_t now_ns);

  // What others of the same policies in other tables have learned: of each pair the first is theirs. Before anybody
  // uses this.
  void carry_over(const PathMtus& before, std::span<const std::pair<PolicyId, PolicyId>> same);

  std::uint64_t next_due() const { return next_due_; }
  // What was believed long enough.
  void expire(std::uint64_t now_ns);

 private:
  static constexpr std::uint64_t kNever = UINT64_MAX;

  const OutboundSa* sender_of(const wire::QuotedIpv4View& about) const;
  void lower(PolicyId id, std::size_t mtu, std::uint64_t now_ns);

  Tables* tables_;
  std::vector<std::uint64_t> until_;       // by PolicyId; kNever: as configured
  std::vector<OutSaId> by_spi_;            // sorted
  std::vector<PolicyId> by_sa_;            // sorted
  std::vector<PolicyId> by_last_segment_;  // sorted
  Relaxed<std::uint64_t> next_due_ = kNever;
  mutable std::mutex mutex_;  // around what is written
};

}  // namespace strata
