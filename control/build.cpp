#include "control/build.hpp"

#include <algorithm>

#include "config/memory.hpp"
#include "config/mtu.hpp"
#include "control/builder.hpp"
#include "dataplane/packet/hold_queue.hpp"

namespace strata {
namespace {

Side side_of(config::Side side) {
  return side == config::Side::protected_side ? Side::protected_side : Side::unprotected_side;
}

// What of the inner MTU is left for TCP behind the two headers without options (RFC 9293 section 3.7.1).
std::uint16_t mss_of(const config::Policy& policy, std::uint16_t inner_mtu) {
  return policy.mss_clamp ? static_cast<std::uint16_t>(inner_mtu - Policy::kTcpOverIpv4) : std::uint16_t{0};
}

std::string no_room(const char* what, std::size_t room) {
  return std::string("no room for more ") + what + ": " + std::to_string(room) +
         " are all that this start has room for; restart the gateway";
}

}  // namespace

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

std::uint32_t Builder::place_from(FreePlaces& free, const char* what, std::size_t room) {
  if (const auto place = free.next()) return *place;
  why_not_ = no_room(what, room);
  return 0;
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

static_assert(HoldQueue::kEachPort == config::kWaitingEachPort);

unsigned waiting_buffers(const config::Config& config) {
  const config::Reassembly& reassembly = config.reassembly;
  const unsigned fragments = reassembly.enabled ? reassembly.packets * RTE_LIBRTE_IP_FRAG_MAX_FRAG : 0;
  return static_cast<unsigned>(asking_ports(config) * HoldQueue::kEachPort) + fragments;
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
