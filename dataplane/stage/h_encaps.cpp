#include "dataplane/stage/h_encaps.hpp"

#include "dataplane/wire/ipv4.hpp"

namespace strata {
namespace {

using stage::Steered;

std::uint32_t mix(std::uint32_t hash, std::uint32_t word) {
  hash = (hash ^ word) * 0x9e3779b1U;  // 2^32 / golden ratio
  return hash ^ (hash >> 15);
}

// RFC 6437: the same for all packets of a flow, spread over flows, never 0. Fragments have no ports to tell by, so that
// all of a packet go one way only without any; ports count where no fragment can come.
std::uint32_t flow_label(const wire::Ipv4View& ip) {
  std::uint32_t hash = mix(mix(mix(0, ip.source().value), ip.destination().value), ip.protocol());
  const wire::Bytes payload = ip.payload();
  const bool has_ports = ip.protocol() == wire::kProtocolTcp || ip.protocol() == wire::kProtocolUdp;
  if (has_ports && !ip.is_fragment() && payload.size() >= 4) hash = mix(hash, wire::load_be32(payload.data()));
  const std::uint32_t label = (hash ^ (hash >> 12)) & 0xfffff;
  return label == 0 ? 1 : label;
}

Done encapsulate(Packet<Steered> packet, const Row<Steered>& row, const PolicyTable& policies,
                 Burst<stage::Sr6Out>& out, HEncapsEnds ends) {
  const Policy& policy = policies[row.policy];
  // RFC 4301 section 5.1: what no SA takes is dropped, never sent in clear.
  if (policy.sa().is_none()) [[unlikely]]
    return ends.end(std::move(packet), Cause::policy_no_sa);
  if (!Gate::has_room(packet, policy.header().size() + Gate::kSealFront, Gate::kSealEnd)) [[unlikely]]
    return ends.end(std::move(packet), Cause::tx_no_room);

  // Checked once more, for the view: between ip4_forward and here nothing can have broken it.
  const auto [ip, fault] = wire::Ipv4View::check(std::as_const(packet).bytes());
  if (fault != wire::Ipv4Fault::none) __builtin_unreachable();
  Ipv6Header first;
  std::memcpy(first.data(), policy.header().data(), first.size());
  // RFC 6040 section 4.1, normal mode: ECN is copied, whatever the DSCP.
  const auto dscp = policy.dscp().value_or(ip.dscp());
  const auto traffic_class = static_cast<std::uint32_t>(dscp << 2 | ip.ecn());
  const std::size_t payload = policy.header().size() - wire::kIpv6HeaderLength + ip.total_length();
  wire::store_be32(&first[0], 0x60000000U | traffic_class << 20 | flow_label(ip));
  wire::store_be16(&first[4], static_cast<std::uint16_t>(payload));
  return Gate::encapsulated(std::move(packet), row, first, policy.header().subspan(first.size()), policy.sa(), out);
}

}  // namespace

void h_encaps(Burst<Steered>& in, const PolicyTable& policies, Burst<stage::Sr6Out>& out, HEncapsEnds ends) {
  in.drain([&](Packet<Steered> packet, const Row<Steered>& row) -> Done {
    return encapsulate(std::move(packet), row, policies, out, ends);
  });
}

}  // namespace strata
