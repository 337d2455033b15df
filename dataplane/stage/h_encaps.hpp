// H.Encaps and H.Encaps.Red (RFC 8986 sections 5.1 and 5.2): pushes an IPv6 header, with or without SRH.
#pragma once

#include <nmmintrin.h>

#include "dataplane/packet/ends.hpp"
#include "dataplane/packet/gate.hpp"
#include "dataplane/packet/straight.hpp"
#include "dataplane/table/policy_table.hpp"
#include "dataplane/wire/ipv4.hpp"
#include "dataplane/wire/ipv6.hpp"

namespace strata {

using HEncapsEnds = EndsOf<Cause::policy_no_sa, Cause::tx_no_room>;

// RFC 6437: the same for all packets of a flow, spread over flows, never 0. Fragments have no ports to tell by, so that
// all of a packet go one way only without any; ports count where no fragment can come. By CRC-32C: labels of
// flows that differ in up to three bits differ.
inline std::uint32_t flow_label_of(const wire::Ipv4View& ip) {
  std::uint64_t rest = ip.protocol();
  const bool has_ports = ip.protocol() == wire::kProtocolTcp || ip.protocol() == wire::kProtocolUdp;
  const wire::Bytes payload = ip.payload();
  if (has_ports && !ip.is_fragment() && payload.size() >= 4) [[likely]]
    rest |= std::uint64_t{wire::load_be32(payload.data())} << 32;
  const std::uint64_t hash = _mm_crc32_u64(_mm_crc32_u64(0, ip.addresses()), rest);
  const auto label = static_cast<std::uint32_t>(hash ^ hash >> 12) & 0xfffff;
  return label == 0 ? 1 : label;
}

// Of the header that the policy pushes before a packet: what it has of its own.
inline Ipv6Begin ipv6_begin_of(const wire::Ipv4View& ip, const Policy& policy) {
  // RFC 6040 section 4.1, normal mode: ECN is copied, whatever the DSCP.
  std::uint32_t traffic_class = ip.tos();
  if (policy.dscp()) [[unlikely]]
    traffic_class = std::uint32_t{*policy.dscp()} << 2 | ip.ecn();
  const std::size_t payload = policy.header().size() - wire::kIpv6HeaderLength + ip.total_length();
  // In a register: what is stored in parts and read back as a whole waits for each of them.
  const std::uint64_t first = std::uint64_t{0x60000000U | traffic_class << 20 | flow_label_of(ip)} << 32 |
                              static_cast<std::uint64_t>(payload) << 16 | wire::load_be16(policy.header().data() + 6);
  return Ipv6Begin{__builtin_bswap64(first)};
}

template <LeadsTo<stage::Sr6Out> ToSr6Out>
struct HEncapsStep {
  using stage_type = stage::Steered;

  const PolicyTable& policies;
  ToSr6Out& out;
  HEncapsEnds ends;

  Done input(Packet<stage::Steered> packet, const Row<stage::Steered>& row) const {
    const Policy& policy = policies[row.policy];
    // RFC 4301 section 5.1: what no SA takes is dropped, never sent in clear.
    if (policy.sa().is_none()) [[unlikely]]
      return ends.end(std::move(packet), Cause::policy_no_sa);
    if (!Gate::has_room(packet, policy.header().size() + Gate::kSealFront, Gate::kSealEnd)) [[unlikely]]
      return ends.end(std::move(packet), Cause::tx_no_room);

    // Between ip4_forward and here nothing can have broken it.
    const auto ip = wire::Ipv4View::of_checked(std::as_const(packet).bytes());
    return Gate::encapsulated(std::move(packet), row, ipv6_begin_of(ip, policy), policy.header(), policy.sa(), out);
  }
};

void h_encaps(Burst<stage::Steered>& in, const PolicyTable& policies, Burst<stage::Sr6Out>& out, HEncapsEnds ends);

}  // namespace strata
