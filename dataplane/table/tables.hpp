// All that a worker reads about the configuration. Immutable but for the state of the SAs; swapped as a whole.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "dataplane/ipsec/outbound_sa.hpp"
#include "dataplane/ipsec/security_association.hpp"
#include "dataplane/neighbor/neighbors.hpp"
#include "dataplane/packet/reassembly.hpp"
#include "dataplane/table/adjacency.hpp"
#include "dataplane/table/bypass.hpp"
#include "dataplane/table/own_address.hpp"
#include "dataplane/table/policy_table.hpp"
#include "dataplane/table/route_table.hpp"
#include "dataplane/table/sid_table.hpp"

namespace strata {

inline constexpr std::size_t kMaxPorts = 32;

struct PortEntry {
  wire::MacAddress mac;
  Side side = Side::protected_side;
  bool is_host = false;      // leads to this machine's own kernel
  std::uint16_t mtu = 1500;  // octets of IP packet
  std::vector<wire::Ipv4Prefix> addresses;
};

// RFC 1812 section 4.3.2.8, RFC 1122 section 3.2.2.6.
struct IcmpSettings {
  std::uint32_t errors_per_second = 1000;  // 0: none is sent
  std::uint32_t burst = 50;
  bool echo = true;
  bool path_mtu = true;  // what they say of the MTU on a tunnel's way is believed
};

// Which UDP ports some SA is reached at (RFC 3948: 4500; configured for each SA).
class UdpPortSet {
 public:
  void insert(std::uint16_t port) {
    words_[port >> 6] |= std::uint64_t{1} << (port & 63);
    empty_ = false;
  }
  bool empty() const { return empty_; }
  bool contains(std::uint16_t port) const { return ((words_[port >> 6] >> (port & 63)) & 1) != 0; }

 private:
  std::array<std::uint64_t, 1024> words_{};
  bool empty_ = true;
};

struct Tables {
  std::uint64_t number = next_number();  // no others in this process have it, nor had it
  std::vector<PortEntry> ports;          // by PortId
  OwnIpv4 own4;
  OwnIpv6 own6;
  UdpPortSet esp_ports;
  SpiTable spis;
  SaTable sas;
  OutboundSaTable out_sas;
  SidTable sids;
  std::size_t sid_room = 0;  // as many SIDs as may ever be counted for; less than there are: no more than these
  PolicyTable policies;
  AdjacencyTable adjacencies;
  RouteTable routes;
  std::vector<BypassRule> bypass;
  std::vector<Adjacency> links;        // by PortId: what all neighbors on the port have in common
  AdjId<V4> host = AdjId<V4>::none();  // the way to this machine's own kernel; none(): there is none
  NeighborSettings neighbors;
  IcmpSettings icmp;
  ReassemblySettings reassembly;

  const Adjacency& link_of(PortId port) const { return links[port.index()]; }

 private:
  static std::uint64_t next_number() {
    static std::atomic<std::uint64_t> last{0};
    return ++last;
  }
};

}  // namespace strata
