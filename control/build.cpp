#include "control/build.hpp"

#include <algorithm>
#include <bit>
#include <map>
#include <tuple>
#include <unordered_map>

#include "config/difference.hpp"
#include "config/memory.hpp"
#include "config/mtu.hpp"
#include "config/steering.hpp"
#include "control/lifetimes.hpp"
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

std::string no_room(const char* what, std::size_t room) {
  return std::string("no room for more ") + what + ": " + std::to_string(room) +
         " are all that this start has room for; restart the gateway";
}

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

tl::expected<Rebuilt, std::string> Builder::build() {
  ports();
  own_addresses();
  begin_slots();
  begin_adjacencies();
  neighbors();
  place_sas();
  security_associations();
  local_sids();
  bypass();
  share_ip_ids();
  outbound();
  policies();
  host_port();
  settings();
  const std::vector<RouteEntry> entries = route_entries();
  auto routes = why_not_.empty() ? RouteTable::create(entries) : tl::unexpected(why_not_);
  if (!routes) {
    retire_sas(config_, made_.places, made_.new_sas, *tables_);
    return tl::unexpected(std::move(routes.error()));
  }
  tables_->routes = std::move(*routes);
  change_adjacencies();
  if (before_ != nullptr) same_policies();
  made_.change.tables = tables_.get();
  made_.tables = std::move(tables_);
  return std::move(made_);
}

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

// The SAs and adjacencies of the tables in force, or an array with room for those that may come.
void Builder::begin_slots() {
  if (before_ != nullptr) {
    tables_->sas = before_->tables.sas.share();
    tables_->out_sas = before_->tables.out_sas.share();
    tables_->sid_room = before_->tables.sid_room;
    return;
  }
  const auto inbound = static_cast<std::size_t>(std::ranges::count(config_.security_associations, config::Direction::in,
                                                                   &config::SecurityAssociation::direction));
  tables_->sas.reserve(config::room_for(inbound));
  tables_->out_sas.reserve(config::room_for(config_.security_associations.size() - inbound));
  tables_->sid_room = config::room_for(config_.local_sids.size());
}

void Builder::begin_adjacencies() {
  const std::size_t size = before_ != nullptr ? before_->tables.adjacencies.size() : 0;
  free_adjacencies_.emplace(size, before_ != nullptr ? before_->tables.adjacencies.room() : SIZE_MAX);
  adjacencies_.resize(size, AdjacencyTable::none());
  adjacency_is_new_.resize(size);
  if (before_ == nullptr) return;
  for (const auto& [key, id] : before_->places.adjacencies) free_adjacencies_->take(id.index());
}

std::uint32_t Builder::place_from(FreePlaces& free, const char* what, std::size_t room) {
  if (const auto place = free.next()) return *place;
  why_not_ = no_room(what, room);
  return 0;
}

AdjId<V4> Builder::adjacency(const std::string& port_name, wire::Ipv4Address address) {
  return adjacency(port_by_name_.at(port_name), address);
}

AdjId<V4> Builder::adjacency(PortId port, wire::Ipv4Address address) {
  const std::uint64_t key = Places::key_of(port, address);
  if (const auto at = made_.places.adjacencies.find(key); at != made_.places.adjacencies.end()) return at->second;
  const bool stays = before_ != nullptr && before_->places.adjacencies.contains(key);
  const AdjId<V4> id = stays ? before_->places.adjacencies.at(key)
                             : AdjId<V4>(place_from(*free_adjacencies_, "next hops",
                                                    before_ != nullptr ? before_->tables.adjacencies.room() : 0));
  made_.places.adjacencies.emplace(key, id);
  adjacencies_.resize(std::max<std::size_t>(adjacencies_.size(), id.index() + 1), AdjacencyTable::none());
  adjacency_is_new_.resize(adjacencies_.size());
  adjacency_is_new_[id.index()] = !stays;
  adjacencies_[id.index()] = tables_->links[port.index()];
  adjacencies_[id.index()].address = address;
  return id;
}

void Builder::neighbors() {
  for (const config::Neighbor& neighbor : config_.neighbors) {
    Adjacency& made = adjacencies_.at(adjacency(neighbor.port, neighbor.address).index());
    std::copy_n(neighbor.mac.octets.begin(), 6, made.header.begin());
    made.resolved = true;
  }
}

// Those that stay keep their places. Others get theirs: an SA that left one in the same change still has it.
void Builder::place_sas() {
  const auto& sas = config_.security_associations;
  was_.resize(sas.size());
  made_.places.sas.resize(sas.size());
  made_.places.since.resize(sas.size(), std::chrono::steady_clock::now());
  if (before_ != nullptr) keep_sas();
  FreePlaces in(tables_->sas.size(), tables_->sas.room());
  FreePlaces out(tables_->out_sas.size(), tables_->out_sas.room());
  const auto free_of = [&](config::Direction direction) -> FreePlaces& {
    return direction == config::Direction::in ? in : out;
  };
  for (std::size_t i = 0; before_ != nullptr && i < before_->places.sas.size(); ++i)
    free_of(before_->config.security_associations[i].direction).take(before_->places.sas[i]);
  for (std::size_t i = 0; i < sas.size(); ++i) {
    if (was_[i]) continue;
    const bool opens = sas[i].direction == config::Direction::in;
    made_.places.sas[i] = place_from(free_of(sas[i].direction), opens ? "inbound SAs" : "outbound SAs",
                                     opens ? tables_->sas.room() : tables_->out_sas.room());
  }
}

void Builder::keep_sas() {
  const auto& before = before_->config.security_associations;
  std::unordered_multimap<std::uint32_t, std::size_t> by_spi;
  for (std::size_t i = 0; i < before.size(); ++i) by_spi.emplace(before[i].spi, i);
  std::vector<bool> stays(before.size());
  for (std::size_t i = 0; i < config_.security_associations.size(); ++i) {
    const config::SecurityAssociation& sa = config_.security_associations[i];
    const auto [first, last] = by_spi.equal_range(sa.spi);
    const auto same = std::find_if(
        first, last, [&](const auto& of) { return !stays[of.second] && config::is_same_sa(before[of.second], sa); });
    if (same == last) continue;
    stays[same->second] = true;
    was_[i] = same->second;
    made_.places.sas[i] = before_->places.sas[same->second];
    made_.places.since[i] = before_->places.since[same->second];
  }
  for (std::size_t i = 0; i < before.size(); ++i)
    if (!stays[i]) made_.gone_sas.push_back(i);
}

// An SA that begins, at its place.
template <class Sa>
void put_at(Slots<Sa>& slots, std::uint32_t place, Sa sa) {
  if (place < slots.size())
    slots[place] = std::move(sa);
  else
    slots.push_back(std::move(sa));
}

void Builder::security_associations() {
  if (!why_not_.empty()) return;
  std::vector<std::pair<SpiKey, SpiEntry>> spis;
  for (std::size_t i = 0; i < config_.security_associations.size(); ++i) {
    const config::SecurityAssociation& sa = config_.security_associations[i];
    if (sa.direction != config::Direction::in) continue;
    const SaId id(made_.places.sas[i]);
    const std::uint16_t udp_port = sa.udp_encap ? sa.udp_encap->destination_port : 0;
    if (udp_port != 0) tables_->esp_ports.insert(udp_port);
    spis.push_back({SpiKey{sa.spi, sa.destination}, SpiEntry{id, udp_port}});
    inbound(i, !was_[i]);
  }
  tables_->spis = SpiTable(spis);
}

bool same_selectors(const config::SecurityAssociation& a, const config::SecurityAssociation& b) {
  const auto same = [](const wire::Ipv6Prefix& x, const wire::Ipv6Prefix& y) {
    return x.address == y.address && x.length == y.length;
  };
  return same(a.selectors.source, b.selectors.source) && same(a.selectors.destination, b.selectors.destination) &&
         a.selectors.protocol == b.selectors.protocol && a.destination == b.destination;
}

void Builder::inbound(std::size_t i, bool is_new) {
  const config::SecurityAssociation& sa = config_.security_associations[i];
  const std::uint32_t place = made_.places.sas[i];
  const std::int16_t protocol = sa.selectors.protocol ? *sa.selectors.protocol : std::int16_t{kAnyProtocol};
  const Ipv6Selectors selectors = Ipv6Selectors::of(sa.selectors.source, sa.selectors.destination);
  if (is_new) {
    made_.new_sas.push_back(i);
    put_at(tables_->sas, place,
           InboundSa{
               .key = AeadKey(algorithm_of(sa.algorithm), sa.key.bytes()),
               .esn = sa.esn,
               .protocol = protocol,
               .window = ReplayWindow(sa.replay_window),
               .selectors = selectors,
               .spi = sa.spi,
               .destination = sa.destination,
           });
  } else if (!same_selectors(sa, before_->config.security_associations[*was_[i]])) {
    made_.change.inbound.push_back({SaId(place), protocol, selectors, sa.destination});
  }
}

void Builder::local_sids() {
  std::unordered_map<std::string, std::uint32_t> places;
  std::size_t size = 0;
  if (before_ != nullptr) {
    size = before_->tables.sids.size();
    for (std::size_t i = 0; i < before_->places.sids.size(); ++i)
      places.emplace(wire::to_string(before_->config.local_sids[i].sid), before_->places.sids[i]);
  }
  FreePlaces free(size, tables_->sid_room);
  for (const auto& [sid, place] : places) free.take(place);
  std::vector<std::pair<SidId, LocalSid>> sids;
  for (const config::LocalSid& sid : config_.local_sids) {
    const auto at = places.find(wire::to_string(sid.sid));
    const SidId id(at != places.end() ? at->second : place_from(free, "local SIDs", tables_->sid_room));
    if (at != places.end()) places.erase(at);
    made_.places.sids.push_back(id.index());
    sids.push_back({id,
                    {.prefix = sid.sid,
                     .behavior = SidBehavior::end_dx4,
                     .takes_clear = sid.clear,
                     .adj = adjacency(sid.port, sid.next_hop)}});
  }
  tables_->sids = SidTable(sids, size);
  for (std::size_t i = 0; before_ != nullptr && i < before_->places.sids.size(); ++i)
    if (places.contains(wire::to_string(before_->config.local_sids[i].sid))) made_.gone_sids.push_back(i);
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
  if (!why_not_.empty()) return;
  for (std::size_t i = 0; i < config_.security_associations.size(); ++i)
    if (config_.security_associations[i].direction == config::Direction::out) outbound_sa(i, !was_[i]);
}

void Builder::outbound_sa(std::size_t i, bool is_new) {
  const config::SecurityAssociation& sa = config_.security_associations[i];
  const OutSaId id(made_.places.sas[i]);
  out_ids_.emplace(&sa, id);
  const AdjId<V4> adj = towards(sa.destination);
  const IpIdTurn ids = made_.places.ip_ids[i];
  if (!is_new) {
    const config::SecurityAssociation& was = before_->config.security_associations[*was_[i]];
    const bool same = sa.ttl == was.ttl && sa.dscp == was.dscp && sa.df == was.df &&
                      ids == before_->places.ip_ids[*was_[i]] &&
                      AdjId<V4>(before_->tables.out_sas[id.index()].adj) == adj;
    if (!same) made_.change.outbound.push_back({id, adj, sa.ttl, sa.dscp, df_of(sa.df), ids.turn, ids.step});
    return;
  }
  made_.new_sas.push_back(i);
  TunnelHeader tunnel{
      .source = sa.source, .destination = sa.destination, .ttl = sa.ttl, .dscp = sa.dscp, .df = df_of(sa.df)};
  if (sa.udp_encap) {
    tunnel.udp_source = sa.udp_encap->source_port;
    tunnel.udp_destination = sa.udp_encap->destination_port;
  }
  OutboundSa made{.key = AeadKey(algorithm_of(sa.algorithm), sa.key.bytes()),
                  .spi = sa.spi,
                  .esn = sa.esn,
                  .adj = adj,
                  .tunnel = tunnel,
                  .ip_id = ids.turn,
                  .ip_id_step = ids.step};
  made.last = last_number_of(made, sa.lifetime);
  made.limit = made.last;
  put_at(tables_->out_sas, id.index(), std::move(made));
}

void Builder::policies() {
  std::vector<Policy> policies;
  for (const config::Policy& policy : config_.policies) {
    const EncapMode mode = policy.mode == config::EncapMode::encaps_red ? EncapMode::encaps_red : EncapMode::encaps;
    const config::SecurityAssociation* const sa = steering_.sa_of(policy);
    const PolicyHeader header{.hop_limit = policy.hop_limit, .dscp = policy.dscp};
    policies.emplace_back(*config_.srv6_source, policy.segments, mode, header,
                          sa != nullptr && !out_ids_.empty() ? out_ids_.at(sa) : OutSaId::none());
    if (const auto mtu = config::inner_mtu(steering_, policy))
      policies.back().set_way(
          {.adj = towards(sa->destination),
           .mtu = mtu->inner,
           .mss = mss_of(policy, mtu->inner),
           .around = static_cast<std::uint16_t>(mtu->ipv4 + mtu->udp + mtu->esp + mtu->iv + mtu->icv)});
  }
  tables_->policies = PolicyTable(std::move(policies));
}

// What was learned of the way of one holds for the other.
void Builder::same_policies() {
  std::unordered_map<std::string, std::uint32_t> by_name;
  for (std::uint32_t i = 0; i < before_->config.policies.size(); ++i)
    by_name.emplace(before_->config.policies[i].name, i);
  for (std::uint32_t i = 0; i < config_.policies.size(); ++i) {
    const auto at = by_name.find(config_.policies[i].name);
    if (at == by_name.end()) continue;
    const Policy& was = before_->tables.policies[PolicyId(at->second)];
    const Policy& is = tables_->policies[PolicyId(i)];
    if (was.sa() == is.sa() && was.way().around == is.way().around && std::ranges::equal(was.header(), is.header()))
      made_.same_policies.emplace_back(PolicyId(at->second), PolicyId(i));
  }
}

// A power of two each, so that turns stay turns when the 16 bits begin anew.
void Builder::share_ip_ids() {
  std::map<std::tuple<wire::Ipv4Address, wire::Ipv4Address, bool>, std::vector<std::size_t>> sharing;
  const auto& all = config_.security_associations;
  made_.places.ip_ids.resize(all.size());
  for (std::size_t i = 0; i < all.size(); ++i)
    if (all[i].direction == config::Direction::out)
      sharing[{all[i].source, all[i].destination, all[i].udp_encap.has_value()}].push_back(i);
  for (const auto& [ends, sas] : sharing) {
    const std::size_t step = std::min(std::bit_ceil(sas.size()), std::size_t{1} << 15);
    for (std::size_t turn = 0; turn < sas.size(); ++turn)
      made_.places.ip_ids[sas[turn]] = {static_cast<std::uint16_t>(turn), static_cast<std::uint16_t>(step)};
  }
}

// Those that are gone first: what comes may be learned by what they leave.
void Builder::change_adjacencies() {
  if (before_ == nullptr) {
    const std::size_t later = config::room_for(adjacencies_.size()) - adjacencies_.size();
    tables_->adjacencies =
        AdjacencyTable(std::move(adjacencies_), asking_ports(config_) * config_.arp.neighbors, later);
    return;
  }
  tables_->adjacencies = before_->tables.adjacencies.share(adjacencies_.size());
  using What = AdjacencyChange::What;
  for (const auto& [key, id] : before_->places.adjacencies)
    if (!made_.places.adjacencies.contains(key))
      made_.change.adjacencies.push_back({id, What::gone, AdjacencyTable::none()});
  std::unordered_map<std::uint64_t, wire::MacAddress> said;
  for (const config::Neighbor& of : before_->config.neighbors)
    said.emplace(Places::key_of(port_by_name_.at(of.port), of.address), of.mac);
  for (const auto& [key, id] : made_.places.adjacencies) {
    const Adjacency& as = adjacencies_[id.index()];
    const auto was = said.find(key);
    const bool same =
        id == tables_->host ||
        (as.resolved ? was != said.end() && was->second == wire::read_mac(as.header.data()) : was == said.end());
    if (adjacency_is_new_[id.index()] || !same) made_.change.adjacencies.push_back({id, What::configured, as});
  }
}

void Builder::host_port() {
  for (std::size_t i = 0; i < config_.ports.size(); ++i) {
    if (!config_.ports[i].host) continue;
    tables_->host = adjacency(PortId(static_cast<std::uint8_t>(i)), wire::Ipv4Address{});
    Adjacency& kernel = adjacencies_[tables_->host.index()];
    std::copy_n(macs_[i].octets.begin(), 6, kernel.header.begin());
    kernel.resolved = true;
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
  for (const auto& [key, id] : made_.places.adjacencies)
    if (id != tables_->host)
      entries.push_back({{adjacencies_[id.index()].address, 32}, {RouteKind::adjacency, id.index()}});
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

void retire_sas(const config::Config& config, const Places& places, const std::vector<std::size_t>& sas,
                Tables& tables) {
  for (const std::size_t i : sas) {
    if (config.security_associations[i].direction == config::Direction::in)
      retire(tables.sas[places.sas[i]]);
    else
      retire(tables.out_sas[places.sas[i]]);
  }
}

tl::expected<Built, std::string> build(const config::Config& config, const std::vector<wire::MacAddress>& macs) {
  auto made = Builder(config, macs, nullptr).build();
  if (!made) return tl::unexpected(std::move(made.error()));
  return Built{std::move(made->tables), std::move(made->places)};
}

tl::expected<std::unique_ptr<Tables>, std::string> build_tables(const config::Config& config,
                                                                const std::vector<wire::MacAddress>& macs) {
  auto made = build(config, macs);
  if (!made) return tl::unexpected(std::move(made.error()));
  return std::move(made->tables);
}

tl::expected<Rebuilt, std::string> rebuild(const config::Config& config, const std::vector<wire::MacAddress>& macs,
                                           const InForce& before) {
  return Builder(config, macs, &before).build();
}

}  // namespace strata
