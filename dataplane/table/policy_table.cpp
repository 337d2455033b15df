#include "dataplane/table/policy_table.hpp"

#include <algorithm>

#include "dataplane/wire/bytes.hpp"
#include "dataplane/wire/protocol.hpp"
#include "dataplane/wire/srh.hpp"

namespace strata {
namespace {

constexpr std::size_t kSegmentLength = 16;

// RFC 8754 section 2, and 4.1.1 for the reduced form, in which the first segment stands in the destination alone:
//   next header | hdr ext len | 4 | segments left | last entry | flags | tag 2 | segments, the last one first
std::size_t write_srh(std::uint8_t* srh, std::span<const wire::Ipv6Address> segments, EncapMode mode) {
  const std::span<const wire::Ipv6Address> listed = mode == EncapMode::encaps_red ? segments.subspan(1) : segments;
  srh[0] = wire::kProtocolIpv4;
  srh[1] = static_cast<std::uint8_t>(2 * listed.size());
  srh[2] = wire::kRoutingTypeSrh;
  srh[3] = static_cast<std::uint8_t>(segments.size() - 1);
  srh[4] = static_cast<std::uint8_t>(listed.size() - 1);
  for (std::size_t i = 0; i < listed.size(); ++i) {
    const wire::Ipv6Address& segment = listed[listed.size() - 1 - i];
    std::copy(segment.octets.begin(), segment.octets.end(), srh + 8 + i * kSegmentLength);
  }
  return 8 + listed.size() * kSegmentLength;
}

}  // namespace

Policy::Policy(const wire::Ipv6Address& source, std::span<const wire::Ipv6Address> segments, EncapMode mode,
               const PolicyHeader& values, OutSaId sa)
    : sa_(sa), length_(wire::kIpv6HeaderLength), dscp_(values.dscp) {
  header_[0] = 0x60;
  header_[6] = wire::kProtocolIpv4;
  header_[7] = values.hop_limit;
  std::copy(source.octets.begin(), source.octets.end(), &header_[8]);
  std::copy(segments[0].octets.begin(), segments[0].octets.end(), &header_[24]);
  // RFC 8986 section 5.2: reduced to one segment, there is nothing left for an SRH to say.
  if (mode == EncapMode::encaps_red && segments.size() == 1) return;
  header_[6] = wire::kProtocolRouting;
  length_ = static_cast<std::uint16_t>(length_ + write_srh(&header_[wire::kIpv6HeaderLength], segments, mode));
}

}  // namespace strata
