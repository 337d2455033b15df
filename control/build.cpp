#include "control/build.hpp"

#include <algorithm>
#include <bit>
#include <map>
#include <tuple>
#include <unordered_map>

#include "config/memory.hpp"
#include "config/mtu.hpp"
#include "config/steering.hpp"
#include "dataplane/packet/hold_queue.hpp"
#include "dataplane/wire/ethernet.hpp"

namespace strata {
namespace {

Side side_of(config::Side side) {
  return side == config::Side::protected_side ? Side::protected_side : Side::unprotected_side;
}

DfMode df_of(config::DfMode df) {
  switch (df) {
    case config::DfMode::set: return DfMode::set;
    case config::DfMode::clear: return DfMode::clear;
    case config::DfMode::copy: break;
  }
  return DfMode::copy;
}

// What of the inner MTU is left for TCP behind the two headers without options (RFC 9293 section 3.7.1).
std::uint16_t mss_of(const config::Policy& policy, std::uint16_t inner_mtu) {
  return policy.mss_clamp ? static_cast<std::uint16_t>(inner_mtu - Policy::kTcpOverIpv4) : std::uint16_t{0};
}

// On the host port the device's own MAC address is the kernel's: ours is another one.
wire::MacAddress beside(wire::MacAddress mac) {
  mac.octets[0] = static_cast<std::uint8_t>((mac.octets[0] | 0x02) & ~0x01);  // locally administered, of one station
  mac.octets[5] ^= 0x01;
  return mac;
}

// On which there are neighbors to ask: all but the one to this machine's own kernel.
std::size_t asking_ports(const config::Config& config) {
  return static_cast<std::size_t>(
      std::ranges::count_if(config.ports, [](const config::Port& port) { return !port.host; }));
}

class Builder {
 public:
  Builder(const config::Config& config, const std::vector<wire::MacAddress>& macs) : config_(config), macs_(macs) {}

  tl::expected<std::unique_ptr<Tables>, std::string> build() {
    ports();
    own_addresses();
    neighbors();
    security_associations();
    local_sids();
    bypass();
    outbound();
    host_port();
    settings();
    auto routes = RouteTable::create(route_entries());
    if (!routes) return tl::unexpected(std::move(routes.error()));
    tables_->routes = std::move(*routes);
    tables_->adjacencies = AdjacencyTable(std::move(adjacencies_), asking_ports(config_) * config_.arp.neighbors);
    return std::move(tables_);
  }

 private:
  void ports();
  void own_addresses();
  void neighbors();
  void security_associations();
  void local_sids();
  void bypass();
  void outbound();
  void share_ip_ids();
  void host_port();
  void settings();
  Adjacency link_of(PortId id) const;
  AdjId<V4> towards(wire::Ipv4Address peer);
  std::vector<RouteEntry> route_entries();
  // The adjacency of a next hop; made, unresolved, if there is none yet.
  AdjId<V4> adjacency(const std::string& port, wire::Ipv4Address address);

  const config::Config& config_;
  const config::Steering steering_{config_};
  const std::vector<wire::MacAddress>& macs_;
  std::unique_ptr<Tables> tables_ = std::make_unique<Tables>();
  std::unordered_map<std::string, PortId> port_by_name_;
  std::unordered_map<std::uint64_t, AdjId<V4>> adjacency_by_key_;  // port and address
  std::vector<Adjacency> adjacencies_;
};

void Builder::ports() {
  for (std::size_t i = 0; i < config_.ports.size(); ++i) {
    const config::Port& port = config_.ports[i];
    const PortId id(static_cast<std::uint8_t>(i));
    tables_->ports.push_back({.mac = port.host ? beside(macs_[i]) : macs_[i],
                              .side = side_of(port.side),
                              .is_host = port.host,
                              .mtu = port.mtu,
                              .addresses = port.addresses});
    tables_->links.push_back(link_of(id));
    port_by_name_.emplace(port.name, id);
  }
}

// What all neighbors on a port have in common.
Adjacency Builder::link_of(PortId id) const {
  const PortEntry& port = tables_->ports[id.index()];
  EthernetHeader header{};
  std::copy_n(port.mac.octets.begin(), 6, header.begin() + 6);
  wire::store_be16(&header[12], wire::kEtherIpv4);
  return {.header = header, .port = id, .side = port.side, .resolved = false, .mtu = port.mtu, .address = {}};
}

void Builder::own_addresses() {
  std::vector<std::pair<wire::Ipv4Address, OwnAddress>> own4{
      {wire::Ipv4Address{0xffffffff}, {OwnKind::broadcast, PortId::none()}}};
  std::vector<std::pair<wire::Ipv6Address, OwnKind>> own6;
  for (const config::Port& port : config_.ports) {
    const PortId id = port_by_name_.at(port.name);
    const OwnAddress broadcast{OwnKind::broadcast, id};
    for (const wire::Ipv4Prefix& address : port.addresses) {
      own4.emplace_back(address.address, OwnAddress{OwnKind::own, id});
      // RFC 3021: a /31 has no broadcast address, a /32 no subnet. RFC 1812 section 4.2.3.1: host part 0 is an old
      // broadcast.
      if (address.length > 30) continue;
      own4.emplace_back(wire::Ipv4Address{address.address.value | ~wire::mask_of(address)}, broadcast);
      own4.emplace_back(wire::network_of(address).address, broadcast);
    }
    for (const wire::Ipv6Prefix& address : port.addresses6) own6.emplace_back(address.address, OwnKind::own);
  }
  tables_->own4 = OwnIpv4(own4);
  tables_->own6 = OwnIpv6(own6);
}

AdjId<V4> Builder::adjacency(const std::string& port_name, wire::Ipv4Address address) {
  const PortId port = port_by_name_.at(port_name);
  const std::uint64_t key = (std::uint64_t{port.index()} << 32) | address.value;
  const auto [at, is_new] = adjacency_by_key_.emplace(key, AdjId<V4>(static_cast<std::uint32_t>(adjacencies_.size())));
  if (is_new) {
    adjacencies_.push_back(link_of(port));
    adjacencies_.back().address = address;
  }
  return at->second;
}

void Builder::neighbors() {
  for (const config::Neighbor& neighbor : config_.neighbors) {
    Adjacency& made = adjacencies_.at(adjacency(neighbor.port, neighbor.address).index());
    std::copy_n(neighbor.mac.octets.begin(), 6, made.header.begin());
    made.resolved = true;
  }
}

void Builder::security_associations() {
  std::vector<std::pair<SpiKey, SpiEntry>> spis;
  for (const config::SecurityAssociation& sa : config_.security_associations) {
    if (sa.direction != config::Direction::in) continue;
    const SaId id(static_cast<std::uint32_t>(tables_->sas.size()));
    const std::uint16_t udp_port = sa.udp_encap ? sa.udp_encap->destination_port : 0;
    if (udp_port != 0) tables_->esp_ports.insert(udp_port);
    spis.push_back({SpiKey{sa.spi, sa.destination}, SpiEntry{id, udp_port}});
    const std::optional<std::uint8_t> protocol = sa.selectors.protocol;
    tables_->sas.push_back(InboundSa{
        .key = AeadKey(algorithm_of(sa.algorithm), sa.key.bytes()),
        .esn = sa.esn,
        .protocol = protocol ? static_cast<std::int16_t>(*protocol) : std::int16_t{kAnyProtocol},
        .window = ReplayWindow(sa.replay_window),
        .selectors = Ipv6Selectors::of(sa.selectors.source, sa.selectors.destination),
        .spi = sa.spi,
        .destination = sa.destination,
    });
  }
  tables_->spis = SpiTable(spis);
}

void Builder::local_sids() {
  std::vector<LocalSid> sids;
  for (const config::LocalSid& sid : config_.local_sids) {
    sids.push_back({.prefix = sid.sid,
                    .behavior = SidBehavior::end_dx4,
                    .takes_clear = sid.clear,
                    .adj = adjacency(sid.port, sid.next_hop)});
  }
  tables_->sids = SidTable(std::move(sids));
}

void Builder::bypass() {
  for (const config::Bypass& rule : config_.bypass) {
    BypassRule made{.source = rule.source, .destination = rule.destination};
    if (rule.protocol) made.protocol = *rule.protocol;
    if (rule.source_ports) {
      made.source_first = rule.source_ports->first;
      made.source_last = rule.source_ports->last;
    }
    if (rule.destination_ports) {
      made.destination_first = rule.destination_ports->first;
      made.destination_last = rule.destination_ports->last;
    }
    tables_->bypass.push_back(made);
  }
}

AdjId<V4> Builder::towards(wire::Ipv4Address peer) {
  const std::optional<config::NextHop> next = steering_.towards(peer);
  return next ? adjacency(next->port->name, next->address) : AdjId<V4>::none();
}

void Builder::outbound() {
  std::unordered_map<const config::SecurityAssociation*, OutSaId> ids;
  for (const config::SecurityAssociation& sa : config_.security_associations) {
    if (sa.direction != config::Direction::out) continue;
    ids.emplace(&sa, OutSaId(static_cast<std::uint32_t>(tables_->out_sas.size())));
    TunnelHeader tunnel{
        .source = sa.source, .destination = sa.destination, .ttl = sa.ttl, .dscp = sa.dscp, .df = df_of(sa.df)};
    if (sa.udp_encap) {
      tunnel.udp_source = sa.udp_encap->source_port;
      tunnel.udp_destination = sa.udp_encap->destination_port;
    }
    tables_->out_sas.push_back(OutboundSa{.key = AeadKey(algorithm_of(sa.algorithm), sa.key.bytes()),
                                          .spi = sa.spi,
                                          .esn = sa.esn,
                                          .adj = towards(sa.destination),
                                          .tunnel = tunnel});
    tables_->out_sas.back().last = tables_->out_sas.back().last_number();
    tables_->out_sas.back().limit = tables_->out_sas.back().last_number();
  }
  share_ip_ids();
  std::vector<Policy> policies;
  for (const config::Policy& policy : config_.policies) {
    const EncapMode mode = policy.mode == config::EncapMode::encaps_red ? EncapMode::encaps_red : EncapMode::encaps;
    const config::SecurityAssociation* const sa = steering_.sa_of(policy);
    const PolicyHeader header{.hop_limit = policy.hop_limit, .dscp = policy.dscp};
    policies.emplace_back(*config_.srv6_source, policy.segments, mode, header,
                          sa != nullptr ? ids.at(sa) : OutSaId::none());
    if (const auto mtu = config::inner_mtu(steering_, policy))
      policies.back().set_way(
          {.adj = towards(sa->destination),
           .mtu = mtu->inner,
           .mss = mss_of(policy, mtu->inner),
           .around = static_cast<std::uint16_t>(mtu->ipv4 + mtu->udp + mtu->esp + mtu->iv + mtu->icv)});
  }
  tables_->policies = PolicyTable(std::move(policies));
}

// A power of two each, so that turns stay turns when the 16 bits begin anew.
void Builder::share_ip_ids() {
  std::map<std::tuple<wire::Ipv4Address, wire::Ipv4Address, bool>, std::vector<OutboundSa*>> sharing;
  for (OutboundSa& sa : tables_->out_sas)
    sharing[{sa.tunnel.source, sa.tunnel.destination, sa.tunnel.udp_destination != 0}].push_back(&sa);
  for (const auto& [ends, sas] : sharing) {
    const std::size_t step = std::min(std::bit_ceil(sas.size()), std::size_t{1} << 15);
    for (std::size_t turn = 0; turn < sas.size(); ++turn) {
      sas[turn]->ip_id = static_cast<std::uint16_t>(turn);
      sas[turn]->ip_id_step = static_cast<std::uint16_t>(step);
    }
  }
}

void Builder::host_port() {
  for (std::size_t i = 0; i < config_.ports.size(); ++i) {
    if (!config_.ports[i].host) continue;
    tables_->host = AdjId<V4>(static_cast<std::uint32_t>(adjacencies_.size()));
    adjacencies_.push_back(tables_->links[i]);
    std::copy_n(macs_[i].octets.begin(), 6, adjacencies_.back().header.begin());
    adjacencies_.back().resolved = true;
  }
}

void Builder::settings() {
  constexpr std::uint64_t kMillisecond = 1'000'000;
  const config::Arp& arp = config_.arp;
  tables_->neighbors = {.enabled = arp.enabled,
                        .hold = arp.hold,
                        .tries = arp.tries,
                        .interval_ns = arp.interval_ms * kMillisecond,
                        .reachable_ns = arp.reachable_s * 1000 * kMillisecond,
                        .learned = arp.neighbors};
  tables_->icmp = {.errors_per_second = config_.icmp.errors_per_second,
                   .burst = config_.icmp.burst,
                   .echo = config_.icmp.echo,
                   .path_mtu = config_.icmp.path_mtu};
  tables_->reassembly = {.enabled = config_.reassembly.enabled,
                         .packets = config_.reassembly.packets,
                         .timeout_ns = config_.reassembly.timeout_ms * kMillisecond};
}

// Of equal prefixes the later stays: a policy before a route before a connected subnet. Neighbors are /32, so that what
// is on a link needs no second look-up.
std::vector<RouteEntry> Builder::route_entries() {
  std::vector<RouteEntry> entries;
  for (const config::Port& port : config_.ports) {
    for (const wire::Ipv4Prefix& address : port.addresses)
      entries.push_back({address, {RouteKind::connected, port_by_name_.at(port.name).index()}});
  }
  std::vector<RouteEntry> routes;
  for (const config::Route& route : config_.routes)
    routes.push_back({route.prefix, {RouteKind::adjacency, adjacency(route.port, route.next_hop).index()}});
  for (std::uint32_t i = 0; i < adjacencies_.size(); ++i)
    if (AdjId<V4>(i) != tables_->host) entries.push_back({{adjacencies_[i].address, 32}, {RouteKind::adjacency, i}});
  entries.insert(entries.end(), routes.begin(), routes.end());
  for (std::uint32_t i = 0; i < config_.policies.size(); ++i) {
    for (const wire::Ipv4Prefix& prefix : config_.policies[i].prefixes)
      entries.push_back({prefix, {RouteKind::policy, i}});
  }
  return entries;
}

}  // namespace

AeadAlgorithm algorithm_of(config::Algorithm algorithm) {
  switch (algorithm) {
    case config::Algorithm::aes_128_gcm: return AeadAlgorithm::aes_128_gcm;
    case config::Algorithm::aes_192_gcm: return AeadAlgorithm::aes_192_gcm;
    case config::Algorithm::aes_256_gcm: return AeadAlgorithm::aes_256_gcm;
    case config::Algorithm::chacha20_poly1305: break;
  }
  return AeadAlgorithm::chacha20_poly1305;
}

static_assert(HoldQueue::kEachPort == config::kWaitingEachPort);

unsigned waiting_buffers(const config::Config& config) {
  const config::Reassembly& reassembly = config.reassembly;
  const unsigned fragments = reassembly.enabled ? reassembly.packets * RTE_LIBRTE_IP_FRAG_MAX_FRAG : 0;
  return static_cast<unsigned>(asking_ports(config) * HoldQueue::kEachPort) + fragments;
}

tl::expected<std::unique_ptr<Tables>, std::string> build_tables(const config::Config& config,
                                                                const std::vector<wire::MacAddress>& macs) {
  return Builder(config, macs).build();
}

}  // namespace strata
