// SAs, whose state goes on under new tables: where they have their places, and what of them begins anew.
#include <algorithm>
#include <bit>
#include <cassert>
#include <map>
#include <tuple>

#include "config/difference.hpp"
#include "config/memory.hpp"
#include "control/builder.hpp"
#include "control/lifetimes.hpp"

namespace strata {
namespace {

// An SA that begins, at its place.
template <class Sa>
void put_at(Slots<Sa>& slots, std::uint32_t place, Sa sa) {
  if (place < slots.size())
    slots[place] = std::move(sa);
  else
    slots.push_back(std::move(sa));
}

bool same_selectors(const config::SecurityAssociation& a, const config::SecurityAssociation& b) {
  const auto same = [](const wire::Ipv6Prefix& x, const wire::Ipv6Prefix& y) {
    return x.address == y.address && x.length == y.length;
  };
  return same(a.selectors.source, b.selectors.source) && same(a.selectors.destination, b.selectors.destination) &&
         a.selectors.protocol == b.selectors.protocol && a.destination == b.destination;
}

DfMode df_of(config::DfMode df) {
  switch (df) {
    case config::DfMode::set: return DfMode::set;
    case config::DfMode::clear: return DfMode::clear;
    case config::DfMode::copy: break;
  }
  return DfMode::copy;
}

}  // namespace

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
    const auto same =
        std::find_if(first, last, [&](const auto& of) { return config::is_same_sa(before[of.second], sa); });
    if (same == last) continue;
    assert(!stays[same->second] && "two SAs of one SPI and key");
    stays[same->second] = true;
    was_[i] = same->second;
    made_.places.sas[i] = before_->places.sas[same->second];
    made_.places.since[i] = before_->places.since[same->second];
  }
  for (std::size_t i = 0; i < before.size(); ++i)
    if (!stays[i]) made_.gone_sas.push_back(i);
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
               .window = ReplayWindow(sa.replay_window, before_ != nullptr ? before_->gone.top_of(sa) : 0),
               .selectors = selectors,
               .spi = sa.spi,
               .destination = sa.destination,
           });
  } else if (!same_selectors(sa, before_->config.security_associations[*was_[i]])) {
    made_.change.inbound.push_back({SaId(place), protocol, selectors, sa.destination});
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
                  .outer = OuterHeader(tunnel, sa.spi),
                  .esn = sa.esn,
                  .adj = adj,
                  .ip_id = ids.turn,
                  .ip_id_step = ids.step};
  made.last = last_number_of(made, sa.lifetime);
  made.limit = made.last;
  put_at(tables_->out_sas, id.index(), std::move(made));
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

AeadAlgorithm algorithm_of(config::Algorithm algorithm) {
  switch (algorithm) {
    case config::Algorithm::aes_128_gcm: return AeadAlgorithm::aes_128_gcm;
    case config::Algorithm::aes_192_gcm: return AeadAlgorithm::aes_192_gcm;
    case config::Algorithm::aes_256_gcm: return AeadAlgorithm::aes_256_gcm;
    case config::Algorithm::chacha20_poly1305: break;
  }
  return AeadAlgorithm::chacha20_poly1305;
}

void note_windows(const config::Config& config, const Places& places, const std::vector<std::size_t>& sas,
                  const Tables& tables, GoneWindows& gone) {
  for (const std::size_t i : sas)
    if (config.security_associations[i].direction == config::Direction::in)
      gone.note(config.security_associations[i], tables.sas[places.sas[i]].window.top());
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

}  // namespace strata
