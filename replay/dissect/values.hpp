// Addresses out of a layer being dissected, as text.
#pragma once

#include <algorithm>

#include "dataplane/wire/address.hpp"
#include "replay/dissect/builder.hpp"

namespace strata::replay::detail {

inline std::string mac_text(const LayerWriter& w, std::size_t at) {
  wire::MacAddress address;
  std::ranges::copy(w.octets(at, address.octets.size()), address.octets.begin());
  return wire::to_string(address);
}

inline std::string ipv4_text(const LayerWriter& w, std::size_t at) {
  return wire::to_string(wire::Ipv4Address{w.u32(at)});
}

inline std::string ipv6_text(const LayerWriter& w, std::size_t at) {
  wire::Ipv6Address address;
  std::ranges::copy(w.octets(at, address.octets.size()), address.octets.begin());
  return wire::to_string(address);
}

}  // namespace strata::replay::detail
