// SAs, SIDs, policies, routes, neighbors, MTUs.
#include <algorithm>

#include "config/describe.hpp"
#include "control/show/figures.hpp"

namespace strata::show {
namespace {

using Kind = Index::RouteOf::Kind;

Json limits_left(const config::Limits& limits, const Lifetimes::Age& age) {
  const auto left = [](const std::optional<std::uint64_t>& limit, std::uint64_t is) {
    return limit ? Json(*limit - std::min(*limit, is)) : Json(nullptr);
  };
  return {{"seconds", left(limits.seconds, age.seconds)},
          {"bytes", left(limits.bytes, age.octets)},
          {"packets", left(limits.packets, age.packets)}};
}

void add_life(Json& row, const std::optional<Lifetimes::Life>& life, const config::Lifetime& lifetime) {
  row["state"] = to_string(life ? life->state : LifeState::mature);
  row["soft_left"] = limits_left(lifetime.soft, life ? life->age : Lifetimes::Age{});
  row["hard_left"] = limits_left(lifetime.hard, life ? life->age : Lifetimes::Age{});
}

Json sa_row(const Gateway& gateway, const config::SecurityAssociation& sa, std::uint32_t at) {
  const bool in = sa.direction == config::Direction::in;
  const SaFigures state = figures_of_sa(gateway, sa.direction, at);
  const auto udp = [&](std::uint16_t config::UdpEncap::*port) {
    return sa.udp_encap ? Json((*sa.udp_encap).*port) : Json(nullptr);
  };
  Json row{{"name", sa.name},
           {"direction", config::to_string(sa.direction)},
           {"spi", sa.spi},
           {"source", wire::to_string(sa.source)},
           {"destination", wire::to_string(sa.destination)},
           {"peer", wire::to_string(in ? sa.source : sa.destination)},
           {"udp_source_port", udp(&config::UdpEncap::source_port)},
           {"udp_destination_port", udp(&config::UdpEncap::destination_port)},
           {"algorithm", config::to_string(sa.algorithm)},
           {"esn", sa.esn},
           {"replay_window", in ? Json(sa.replay_window) : Json(nullptr)},
           {"selector_source", wire::to_string(sa.selectors.source)},
           {"selector_destination", wire::to_string(sa.selectors.destination)},
           {"selector_protocol", sa.selectors.protocol ? Json(*sa.selectors.protocol) : Json(nullptr)},
           {"packets", state.packets},
           {"bytes", state.octets},
           {"sequence", state.sequence},
           {"sequence_left", state.left},
           {"worker", state.worker.index()}};
  add_life(row, gateway.lifetimes.life_of(sa, Lifetimes::Clock::now()), sa.lifetime);
  return row;
}

Json sid_row(const Gateway& gateway, std::size_t i) {
  const config::LocalSid& sid = gateway.config.local_sids[i];
  const SidFigures figures = figures_of_sid(gateway, i);
  return {{"sid", wire::to_string(sid.sid)},
          {"behavior", config::to_string(sid.behavior)},
          {"next_hop", wire::to_string(sid.next_hop)},
          {"port", sid.port},
          {"clear", sid.clear},
          {"packets", figures.packets},
          {"bytes", figures.octets}};
}

// What a policy's packets may measure now; nothing: they go nowhere.
std::optional<std::uint16_t> mtu_now(const Gateway& gateway, std::size_t policy) {
  const Policy::Way& way = gateway.tables.policies[PolicyId(static_cast<std::uint32_t>(policy))].way();
  if (way.adj.is_none()) return std::nullopt;
  return way.mtu;
}

Json policy_row(const Gateway& gateway, const config::Steering& steering, std::size_t i) {
  const config::Policy& policy = gateway.config.policies[i];
  Json prefixes = Json::array();
  for (const auto& prefix : policy.prefixes) prefixes.push_back(wire::to_string(prefix));
  Json segments = Json::array();
  for (const auto& segment : policy.segments) segments.push_back(wire::to_string(segment));
  const config::SecurityAssociation* const sa = steering.sa_of(policy);
  const auto mtu = mtu_now(gateway, i);
  return {{"name", policy.name},
          {"mode", config::to_string(policy.mode)},
          {"prefixes", std::move(prefixes)},
          {"segments", std::move(segments)},
          {"sa", sa != nullptr ? Json(sa->name) : Json(nullptr)},
          {"mtu", mtu ? Json(*mtu) : Json(nullptr)}};
}

Json route_row(const config::Config& config, const Index::RouteOf& route) {
  const auto row = [](const wire::Ipv4Prefix& prefix, const char* kind, Json next_hop, Json port, Json policy) {
    return Json{{"prefix", wire::to_string(prefix)},
                {"kind", kind},
                {"next_hop", std::move(next_hop)},
                {"port", std::move(port)},
                {"policy", std::move(policy)}};
  };
  if (route.kind == Kind::route) {
    const config::Route& of = config.routes[route.of];
    return row(of.prefix, "route", wire::to_string(of.next_hop), of.port, nullptr);
  }
  if (route.kind == Kind::policy) {
    const config::Policy& of = config.policies[route.of];
    return row(of.prefixes[route.place], "policy", nullptr, nullptr, of.name);
  }
  const config::Port& of = config.ports[route.of];
  return row(wire::network_of(of.addresses[route.place]), "connected", nullptr, of.name, nullptr);
}

Json mtu_row(const Gateway& gateway, const config::Steering& steering, std::size_t i) {
  const config::Policy& policy = gateway.config.policies[i];
  const auto configured = config::inner_mtu(steering, policy);
  const auto now = mtu_now(gateway, i);
  return {{"policy", policy.name},
          {"mtu", now ? Json(*now) : Json(nullptr)},
          {"learned", configured && now && *now != configured->inner},
          {"configured", configured ? Json(config::describe_json(*configured)) : Json(nullptr)},
          {"text", config::mtu_text(steering, policy)}};
}

const char* state_text(Neighbors::Phase phase) {
  switch (phase) {
    case Neighbors::Phase::permanent: return "permanent";
    case Neighbors::Phase::asking: return "asking";
    case Neighbors::Phase::reachable: return "reachable";
    case Neighbors::Phase::probing: return "probing";
    case Neighbors::Phase::idle:
    case Neighbors::Phase::free: break;
  }
  return "idle";
}

}  // namespace

Index::Index(const config::Config& config) : config_(config) {
  const auto add = [this](Kind kind, std::size_t of, std::size_t places) {
    for (std::size_t place = 0; place < places; ++place)
      routes.push_back({kind, static_cast<std::uint32_t>(of), static_cast<std::uint32_t>(place)});
  };
  for (std::size_t i = 0; i < config.ports.size(); ++i) add(Kind::connected, i, config.ports[i].addresses.size());
  for (std::size_t i = 0; i < config.routes.size(); ++i) add(Kind::route, i, 1);
  for (std::size_t i = 0; i < config.policies.size(); ++i) add(Kind::policy, i, config.policies[i].prefixes.size());
}

const config::Steering& Index::steering() {
  if (!steering_) steering_.emplace(config_);
  return *steering_;
}

Rows sas(const Gateway& gateway) {
  const auto& all = gateway.config.security_associations;
  return {all.size(), [&](std::size_t i) { return sa_row(gateway, all[i], gateway.places.sas[i]); }};
}

Rows sids(const Gateway& gateway) {
  return {gateway.config.local_sids.size(), [&gateway](std::size_t i) { return sid_row(gateway, i); }};
}

Rows policies(const Gateway& gateway, Index& index) {
  return {gateway.config.policies.size(), [&](std::size_t i) { return policy_row(gateway, index.steering(), i); }};
}

Rows routes(const Gateway& gateway, Index& index) {
  return {index.routes.size(), [&](std::size_t i) { return route_row(gateway.config, index.routes[i]); }};
}

Rows mtus(const Gateway& gateway, Index& index) {
  return {gateway.config.policies.size(), [&](std::size_t i) { return mtu_row(gateway, index.steering(), i); }};
}

Rows neighbors(const Gateway& gateway, const std::vector<Neighbors::Known>& known) {
  return {known.size(), [&](std::size_t i) -> Json {
            const Neighbors::Known& of = known[i];
            return {{"port", gateway.config.ports[of.port.index()].name},
                    {"address", wire::to_string(of.address)},
                    {"mac", of.mac ? Json(wire::to_string(*of.mac)) : Json(nullptr)},
                    {"state", state_text(of.phase)}};
          }};
}

}  // namespace strata::show
