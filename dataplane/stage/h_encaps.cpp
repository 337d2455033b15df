#include "dataplane/stage/h_encaps.hpp"

namespace strata {
namespace {

std::uint32_t mix(std::uint32_t hash, std::uint32_t word) {
  hash = (hash ^ word) * 0x9e3779b1U;  // 2^32 / golden ratio
  return hash ^ (hash >> 15);
}

}  // namespace

// RFC 6437: the same for all packets of a flow, spread over flows, never 0. Fragments have no ports to tell by, so that
// all of a packet go one way only without any; ports count where no fragment can come.
std::uint32_t flow_label_of(const wire::Ipv4View& ip) {
  std::uint32_t hash = mix(mix(mix(0, ip.source().value), ip.destination().value), ip.protocol());
  const wire::Bytes payload = ip.payload();
  const bool has_ports = ip.protocol() == wire::kProtocolTcp || ip.protocol() == wire::kProtocolUdp;
  if (has_ports && !ip.is_fragment() && payload.size() >= 4) hash = mix(hash, wire::load_be32(payload.data()));
  const std::uint32_t label = (hash ^ (hash >> 12)) & 0xfffff;
  return label == 0 ? 1 : label;
}

void h_encaps(Burst<stage::Steered>& in, const PolicyTable& policies, Burst<stage::Sr6Out>& out, HEncapsEnds ends) {
  drain(in, HEncapsStep<Burst<stage::Sr6Out>>{policies, out, ends});
}

}  // namespace strata
