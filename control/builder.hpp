// How tables are built from a configuration, beside those in force: what build.hpp has to offer, from the inside.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "config/steering.hpp"
#include "control/build.hpp"

namespace strata {

// What is only looked up (build.cpp), what has a state of its own (build_sas.cpp), and the next hops that both lead to
// (build_adjacencies.cpp).
class Builder {
 public:
  // before: nothing at the start.
  Builder(const config::Config& config, const std::vector<wire::MacAddress>& macs, const InForce* before)
      : config_(config), macs_(macs), before_(before) {}

  tl::expected<Rebuilt, std::string> build();

 private:
  void ports();
  void own_addresses();
  void neighbors();
  void security_associations();
  void keep_sas();
  void place_sas();
  void begin_slots();
  void begin_adjacencies();
  void inbound(std::size_t i, bool is_new);
  void local_sids();
  void bypass();
  void outbound();
  void outbound_sa(std::size_t i, bool is_new);
  void policies();
  void same_policies();
  void share_ip_ids();
  void host_port();
  void settings();
  void change_adjacencies();
  Adjacency link_of(PortId id) const;
  AdjId<V4> towards(wire::Ipv4Address peer);
  std::vector<RouteEntry> route_entries();
  // The adjacency of a next hop; made, unresolved, if there is none yet.
  AdjId<V4> adjacency(const std::string& port, wire::Ipv4Address address);
  AdjId<V4> adjacency(PortId port, wire::Ipv4Address address);
  std::uint32_t place_from(FreePlaces& free, const char* what, std::size_t room);

  const config::Config& config_;
  const config::Steering steering_{config_};
  const std::vector<wire::MacAddress>& macs_;
  const InForce* before_;
  Rebuilt made_;
  std::unique_ptr<Tables> tables_ = std::make_unique<Tables>();
  std::unordered_map<std::string, PortId> port_by_name_;
  std::vector<Adjacency> adjacencies_;  // by AdjId
  std::vector<bool> adjacency_is_new_;
  std::optional<FreePlaces> free_adjacencies_;
  std::vector<std::optional<std::size_t>> was_;  // by SA: which it is in the configuration before
  std::unordered_map<const config::SecurityAssociation*, OutSaId> out_ids_;
  std::string why_not_;  // empty: all has its place
};

// On which there are neighbors to ask: all but the one to this machine's own kernel.
std::size_t asking_ports(const config::Config& config);

// On the host port the device's own MAC address is the kernel's: ours is another one.
wire::MacAddress beside(wire::MacAddress mac);

}  // namespace strata
