// Which IPv4 addresses are this host's, and which IPv6.
#pragma once

#include "dataplane/packet/id.hpp"
#include "dataplane/table/flat_hash.hpp"
#include "dataplane/wire/address.hpp"

namespace strata {

enum class OwnKind : std::uint8_t {
  own,        // an address of a port
  broadcast,  // 255.255.255.255, or in a port's subnet all ones or all zeros
};

struct OwnAddress {
  OwnKind kind = OwnKind::own;
  PortId port = PortId::none();  // that has the address; none(): 255.255.255.255
};

using OwnIpv4 = FlatHash<wire::Ipv4Address, OwnAddress>;
using OwnIpv6 = FlatHash<wire::Ipv6Address, OwnKind>;

}  // namespace strata
