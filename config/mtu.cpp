#include "config/mtu.hpp"

namespace strata::config {
namespace {

// RFC 8754 section 2; RFC 8986 section 5.2: reduced, the first segment stands in the destination alone, and a single
// one needs no SRH.
std::uint16_t srh_length(const Policy& policy) {
  std::size_t listed = policy.segments.size();
  if (policy.mode == EncapMode::encaps_red) --listed;
  return static_cast<std::uint16_t>(listed == 0 ? 0 : 8 + 16 * listed);
}

}  // namespace

std::optional<InnerMtu> inner_mtu(const Steering& steering, const Policy& policy) {
  const SecurityAssociation* const sa = steering.sa_of(policy);
  if (sa == nullptr) return std::nullopt;
  const std::optional<NextHop> next = steering.towards(sa->destination);
  if (!next) return std::nullopt;
  InnerMtu mtu{.port = next->port->name, .port_mtu = next->port->mtu};
  if (sa->udp_encap) mtu.udp = 8;  // RFC 3948 section 2.1
  mtu.srh = srh_length(policy);
  // RFC 4303 section 2.4: the text is whole words; what of the room is less than one stays unused.
  const int room = mtu.port_mtu - mtu.ipv4 - mtu.udp - mtu.esp - mtu.iv - mtu.icv;
  mtu.trailer = static_cast<std::uint16_t>(mtu.trailer + room % 4);
  mtu.inner = static_cast<std::uint16_t>(room - mtu.trailer - mtu.ipv6 - mtu.srh);
  return mtu;
}

std::string to_string(const InnerMtu& mtu) {
  std::string out = std::to_string(mtu.inner) + " = " + std::to_string(mtu.port_mtu) + " (" + mtu.port + ")";
  const auto less = [&out](std::uint16_t octets, const char* what) {
    out += " - " + std::to_string(octets) + " " + what;
  };
  less(mtu.ipv4, "IPv4");
  less(mtu.udp, "UDP");
  less(mtu.esp, "ESP");
  less(mtu.iv, "IV");
  less(mtu.icv, "ICV");
  less(mtu.trailer, "trailer and padding");
  less(mtu.ipv6, "IPv6");
  less(mtu.srh, "SRH");
  return out;
}

std::string mtu_text(const Steering& steering, const Policy& policy) {
  if (const std::optional<InnerMtu> mtu = inner_mtu(steering, policy)) return "mtu " + to_string(*mtu);
  const SecurityAssociation* const sa = steering.sa_of(policy);
  if (sa == nullptr) return "none: no outbound SA takes its packets, so they are dropped (policy.no_sa)";
  return "none: there is no way to " + wire::to_string(sa->destination) + ", the peer of SA '" + sa->name + "'";
}

}  // namespace strata::config
