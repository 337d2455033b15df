#include "control/lifetimes.hpp"

#include <algorithm>
#include <unordered_map>

namespace strata {
namespace {

bool counts(const config::Limits& limits) { return limits.bytes || limits.packets; }
bool any(const config::Limits& limits) { return limits.seconds || counts(limits); }

struct Reached {
  const char* limit;
  std::uint64_t allowed;
  std::uint64_t is;
};

// The first of them that is reached, if one is.
std::optional<Reached> reached(const config::Limits& limits, const Lifetimes::Age& age) {
  if (limits.packets && age.packets >= *limits.packets) return Reached{"packets", *limits.packets, age.packets};
  if (limits.bytes && age.octets >= *limits.bytes) return Reached{"bytes", *limits.bytes, age.octets};
  if (limits.seconds && age.seconds >= *limits.seconds) return Reached{"seconds", *limits.seconds, age.seconds};
  return std::nullopt;
}

// Its line is the worker's: it is written to when there is a reason.
void allow(OutboundSa& sa, std::uint64_t last) {
  if (sa.last != last) sa.last = last;
  if (sa.limit > last) sa.limit = last;
}

}  // namespace

const char* to_string(LifeState state) {
  switch (state) {
    case LifeState::mature: return "mature";
    case LifeState::dying: return "dying";
    case LifeState::dead: break;
  }
  return "dead";
}

std::string to_string(const Expiry& expiry) {
  const bool is_soft = expiry.state == LifeState::dying;
  return "SA " + expiry.sa->name + ": its " + (is_soft ? "soft" : "hard") + " lifetime is over (" +
         std::to_string(expiry.reached) + " of " + std::to_string(expiry.allowed) + " " + expiry.limit + ")" +
         (is_soft ? "; it is due for a new key" : ", and it carries nothing any more (esp.expired); give it a new key");
}

std::uint64_t last_number_of(const OutboundSa& sa, const config::Lifetime& lifetime) {
  return std::min(sa.last_number(), lifetime.hard.packets.value_or(sa.last_number()));
}

Lifetimes::Lifetimes(const config::Config& config, const Places& places, Tables& tables, const Lifetimes* before) {
  std::unordered_map<const void*, const Lane*> known;
  if (before != nullptr)
    for (const Lane& lane : before->lanes_) known.emplace(known_by(lane), &lane);
  for (std::size_t i = 0; i < places.sas.size(); ++i) {
    const config::SecurityAssociation& sa = config.security_associations[i];
    Lane lane = lane_of(sa, places.sas[i], places.since[i], tables);
    const auto was = known.find(known_by(lane));
    if (was != known.end() && was->second->of->lifetime == sa.lifetime) lane.state = was->second->state;
    if (lane.state == LifeState::dead)
      end(lane);
    else if (lane.out != nullptr)
      allow(*lane.out, last_number_of(*lane.out, sa.lifetime));
    if (any(sa.lifetime.soft) || any(sa.lifetime.hard)) lanes_.push_back(lane);
  }
}

Lifetimes::Lane Lifetimes::lane_of(const config::SecurityAssociation& sa, std::size_t place, Clock::time_point start,
                                   Tables& tables) {
  const bool seals = sa.direction == config::Direction::out;
  return {.of = &sa,
          .start = start,
          .out = seals ? &tables.out_sas[place] : nullptr,
          .in = seals ? nullptr : &tables.sas[place],
          .entry = seals ? nullptr : tables.spis.find({sa.spi, sa.destination}),
          .place = place,
          .counts = strata::counts(sa.lifetime.soft) || strata::counts(sa.lifetime.hard)};
}

const void* Lifetimes::known_by(const Lane& lane) {
  if (lane.out != nullptr) return lane.out;
  return lane.in;
}

void Lifetimes::add_before(const std::vector<Age>& outbound) {
  for (Lane& lane : lanes_)
    if (lane.out != nullptr) lane.before = outbound[lane.place];
}

std::uint64_t Lifetimes::seconds_of(const Lane& lane, Clock::time_point now) {
  const auto since = std::chrono::duration_cast<std::chrono::seconds>(now - lane.start).count();
  return lane.before.seconds + static_cast<std::uint64_t>(since);
}

Lifetimes::Age Lifetimes::age_of(const Lane& lane, Clock::time_point now) {
  const std::uint64_t seconds = seconds_of(lane, now);
  if (lane.out != nullptr) return {seconds, lane.before.octets + lane.out->octets, lane.out->sequence};
  return {seconds, lane.in->octets, lane.in->packets};
}

// No packet that comes from now on passes.
void Lifetimes::end(const Lane& lane) {
  if (lane.out == nullptr) {
    lane.entry->udp_port = SpiEntry::kExpired;
    return;
  }
  lane.out->last = 0;
  lane.out->limit = 0;
}

std::vector<Expiry> Lifetimes::look(Clock::time_point now) {
  std::vector<Expiry> expired;
  for (Lane& lane : lanes_) {
    if (lane.state == LifeState::dead) {
      // Whoever reserves numbers may have moved the limit on at that moment.
      if (lane.out != nullptr && lane.out->limit != 0) end(lane);
      continue;
    }
    // To look at what an SA counts takes its line from the core that writes to it.
    const Age age = lane.counts ? age_of(lane, now) : Age{.seconds = seconds_of(lane, now)};
    LifeState next = LifeState::dead;
    auto why = reached(lane.of->lifetime.hard, age);
    if (!why && lane.state == LifeState::mature) {
      next = LifeState::dying;
      why = reached(lane.of->lifetime.soft, age);
    }
    if (!why) continue;
    lane.state = next;
    if (next == LifeState::dead) end(lane);
    expired.push_back({lane.of, next, why->limit, why->allowed, why->is});
  }
  return expired;
}

std::optional<Lifetimes::Life> Lifetimes::life_of(const config::SecurityAssociation& sa, Clock::time_point now) const {
  const auto lane = std::ranges::lower_bound(lanes_, &sa, {}, &Lane::of);
  if (lane == lanes_.end() || lane->of != &sa) return std::nullopt;
  return Life{lane->state, age_of(*lane, now)};
}

}  // namespace strata
