// Rules that let clear traffic cross the boundary between the protected and the unprotected side (RFC 4301 section
// 4.4.1, BYPASS). There are few or none, and only traffic that would else be dropped is held against them.
#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/wire/ipv4.hpp"

namespace strata {

struct BypassRule {
  wire::Ipv4Prefix source;
  wire::Ipv4Prefix destination;
  int protocol = -1;  // -1: any
  std::uint16_t source_first = 0;
  std::uint16_t source_last = 65535;
  std::uint16_t destination_first = 0;
  std::uint16_t destination_last = 65535;

  bool names_ports() const {
    return source_first != 0 || source_last != 65535 || destination_first != 0 || destination_last != 65535;
  }
};

// RFC 4301 section 7: a fragment that does not carry the ports matches no rule that asks for them.
inline bool bypass_allows(const std::vector<BypassRule>& rules, const wire::Ipv4View& packet) {
  for (const BypassRule& rule : rules) {
    if (!wire::contains(rule.source, packet.source()) || !wire::contains(rule.destination, packet.destination()))
      continue;
    if (rule.protocol >= 0 && rule.protocol != packet.protocol()) continue;
    if (!rule.names_ports()) return true;
    const wire::Bytes payload = packet.payload();
    if (packet.fragment_offset() != 0 || payload.size() < 4) continue;
    const std::uint16_t source = wire::load_be16(payload.data());
    const std::uint16_t destination = wire::load_be16(payload.data() + 2);
    if (source >= rule.source_first && source <= rule.source_last && destination >= rule.destination_first &&
        destination <= rule.destination_last)
      return true;
  }
  return false;
}

}  // namespace strata
