#include "dataplane/neighbor/path_mtu.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "dataplane/wire/esp.hpp"
#include "dataplane/wire/ipv6.hpp"
#include "dataplane/wire/udp.hpp"

namespace strata {
namespace {

// An answer is as old as a round trip: this many packets are sent in that time at the most.
constexpr std::uint32_t kLately = std::uint32_t{1} << 22;

constexpr std::size_t kSource = 8;
constexpr std::size_t kDestination = 24;
constexpr std::size_t kSegments = wire::kIpv6HeaderLength + 8;  // the SRH's, the last one of the way first

// RFC 8754 section 5.4: by it a packet is known wherever it was on its way. packet: with a whole header of a policy's.
wire::Ipv6Address last_segment_of(wire::Bytes packet) {
  const bool has_srh = packet[6] == wire::kProtocolRouting && packet.size() >= kSegments + 16;
  return wire::read_ipv6(packet.data() + (has_srh ? kSegments : kDestination));
}

// The quoted packet has this policy's header, but for what changes from packet to packet and on the way.
bool is_of(wire::Bytes about, wire::Bytes header) {
  if (about.size() < header.size() || about[6] != header[6]) return false;
  if (std::memcmp(&about[kSource], &header[kSource], 16) != 0) return false;
  if (header.size() == wire::kIpv6HeaderLength)
    return std::memcmp(&about[kDestination], &header[kDestination], 16) == 0;
  return std::memcmp(&about[kSegments], &header[kSegments], header.size() - kSegments) == 0;
}

// sorted: by what of() says of an ID.
template <class IdType, class Key, class Of>
std::span<const IdType> all_with(const std::vector<IdType>& sorted, const Key& key, Of of) {
  const auto first = std::ranges::lower_bound(sorted, key, {}, of);
  const auto last = std::ranges::upper_bound(sorted, key, {}, of);
  return std::span(sorted).subspan(static_cast<std::size_t>(first - sorted.begin()),
                                   static_cast<std::size_t>(last - first));
}

template <class IdType>
std::vector<IdType> all_ids(std::size_t count) {
  std::vector<IdType> ids;
  ids.reserve(count);
  for (std::size_t i = 0; i < count; ++i) ids.push_back(IdType(static_cast<std::uint32_t>(i)));
  return ids;
}

// Those that packets are sealed by.
std::vector<OutSaId> sas_of(const PolicyTable& policies) {
  std::vector<OutSaId> sas;
  for (std::uint32_t i = 0; i < policies.size(); ++i)
    if (const OutSaId sa = policies[PolicyId(i)].sa(); !sa.is_none()) sas.push_back(sa);
  std::ranges::sort(sas, {}, &OutSaId::index);
  sas.erase(std::unique(sas.begin(), sas.end()), sas.end());
  return sas;
}

}  // namespace

PathMtus::PathMtus(Tables& tables)
    : tables_(&tables),
      until_(tables.policies.size(), kNever),
      by_spi_(sas_of(tables.policies)),
      by_sa_(all_ids<PolicyId>(tables.policies.size())),
      by_last_segment_(by_sa_) {
  const PolicyTable& policies = tables.policies;
  std::ranges::sort(by_spi_, {}, [&](OutSaId id) { return tables.out_sas[id.index()].outer.spi(); });
  std::ranges::sort(by_sa_, {}, [&](PolicyId id) { return policies[id].sa().index(); });
  std::ranges::sort(by_last_segment_, {}, [&](PolicyId id) { return last_segment_of(policies[id].header()); });
}

bool PathMtus::learn(const wire::QuotedIpv4View& about, const Origin& from, wire::Ipv4Address to, std::uint32_t mtu,
                     std::uint64_t now_ns) {
  if (mtu < kLeastIpv4 || mtu >= about.total_length() || !about.dont_fragment()) return false;
  if (!from.sa().is_none() || to != about.source()) return false;
  const OutboundSa* sa = sender_of(about);
  if (sa == nullptr || AdjId<V4>(sa->adj).is_none()) return false;
  const Adjacency& way = tables_->adjacencies[sa->adj];
  if (from.side() != way.side || about.total_length() > way.mtu) return false;
  const auto index = static_cast<std::uint32_t>(sa - tables_->out_sas.data());
  const auto sa_of = [&](PolicyId id) { return tables_->policies[id].sa().index(); };
  for (const PolicyId id : all_with(by_sa_, index, sa_of)) lower(id, tables_->policies[id].fits_outer(mtu), now_ns);
  return true;
}

// RFC 4301 section 8.2.1. In UDP the SPI stands behind the 8 octets that a router must quote; one that quotes no more
// is not believed, since ports can be guessed.
const OutboundSa* PathMtus::sender_of(const wire::QuotedIpv4View& about) const {
  wire::Bytes esp = about.payload();
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  if (about.protocol() == wire::kProtocolUdp) {
    if (esp.size() < wire::kUdpHeaderLength) return nullptr;
    source_port = wire::load_be16(&esp[0]);
    destination_port = wire::load_be16(&esp[2]);
    esp = esp.subspan(wire::kUdpHeaderLength);
  } else if (about.protocol() != wire::kProtocolEsp) {
    return nullptr;
  }
  const auto [sent, fault] = wire::EspView::check(esp);
  if (fault != wire::EspFault::none) return nullptr;
  const auto spi_of = [&](OutSaId id) { return tables_->out_sas[id.index()].outer.spi(); };
  for (const OutSaId id : all_with(by_spi_, sent.spi(), spi_of)) {
    const OutboundSa& sa = tables_->out_sas[id.index()];
    const TunnelHeader& tunnel = sa.outer.tunnel();
    if (tunnel.source != about.source() || tunnel.destination != about.destination()) continue;
    if (tunnel.udp_source != source_port || tunnel.udp_destination != destination_port) continue;
    const std::uint32_t ago = static_cast<std::uint32_t>(sa.sequence) - sent.sequence();
    return ago < std::min<std::uint64_t>(kLately, sa.sequence) ? &sa : nullptr;
  }
  return nullptr;
}

bool PathMtus::learn(wire::Bytes about, const InboundSa& from, std::uint32_t mtu, std::uint64_t now_ns) {
  if (about.size() < wire::kIpv6HeaderLength || (about[0] >> 4) != 6) return false;
  const std::size_t total = wire::kIpv6HeaderLength + wire::load_be16(&about[4]);
  if (mtu < kLeastIpv6 || mtu >= total) return false;
  const PolicyTable& policies = tables_->policies;
  const auto end_of = [&](PolicyId id) { return last_segment_of(policies[id].header()); };
  bool known = false;
  for (const PolicyId id : all_with(by_last_segment_, last_segment_of(about), end_of)) {
    const wire::Bytes header = policies[id].header();
    if (!is_of(about, header) || !from.selectors.match(&header[kDestination], &header[kSource])) continue;
    lower(id, policies[id].fits_ipv6(mtu), now_ns);
    known = true;
  }
  return known;
}

// RFC 1191 section 3: never raised by a message. One that says the same anew is believed for as long anew.
void PathMtus::lower(PolicyId id, std::size_t mtu, std::uint64_t now_ns) {
  const std::lock_guard lock(mutex_);
  Policy& policy = tables_->policies[id];
  if (mtu > policy.way().mtu) return;
  policy.lower_mtu(static_cast<std::uint16_t>(mtu));
  until_[id.index()] = now_ns + kLifetimeNs;
  next_due_ = std::min<std::uint64_t>(next_due_, until_[id.index()]);
}

void PathMtus::carry_over(const PathMtus& before, std::span<const std::pair<PolicyId, PolicyId>> same) {
  const std::lock_guard lock(before.mutex_);
  for (const auto& [theirs, ours] : same) {
    const std::uint64_t until = before.until_[theirs.index()];
    if (until == kNever) continue;
    tables_->policies[ours].lower_mtu(before.tables_->policies[theirs].way().mtu);
    until_[ours.index()] = until;
    next_due_ = std::min<std::uint64_t>(next_due_, until);
  }
}

void PathMtus::expire(std::uint64_t now_ns) {
  const std::lock_guard lock(mutex_);
  std::uint64_t next = kNever;
  for (std::size_t i = 0; i < until_.size(); ++i) {
    if (until_[i] <= now_ns) {
      tables_->policies[PolicyId(static_cast<std::uint32_t>(i))].restore_mtu();
      until_[i] = kNever;
    }
    next = std::min(next, until_[i]);
  }
  next_due_ = next;
}

}  // namespace strata
