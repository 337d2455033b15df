#include <algorithm>
#include <array>
#include <set>
#include <tuple>
#include <utility>

#include "config/key.hpp"
#include "config/key_reuse.hpp"
#include "config/overlap.hpp"
#include "config/sections.hpp"

namespace strata::config {
namespace {

constexpr std::uint64_t kIkePort = 500;
// RFC 8200 section 4: Hop-by-Hop Options, Routing, Fragment, Destination Options. What a selector is held against is
// what stands behind them.
constexpr std::array<std::uint8_t, 4> kExtensionHeaders{0, 43, 44, 60};

struct KeyLength {
  std::string_view algorithm;
  std::size_t octets;  // the cipher's key and 4 of salt
};
// In the order of enum Algorithm and of the schema's choices.
constexpr std::array<KeyLength, 4> kKeyLengths{{
    {"aes-128-gcm", 20},
    {"aes-192-gcm", 28},
    {"aes-256-gcm", 36},
    {"chacha20-poly1305", 36},
}};

// What an outbound SA says of the outer header.
struct OuterHeader {
  std::uint8_t ttl = 64;
  std::optional<std::uint8_t> dscp;
  DfMode df = DfMode::set;
};

class IpsecReader {
 public:
  explicit IpsecReader(Scene& scene);

  void read(const Mapping& mapping);
  void check_overlaps();
  void check_keys();

 private:
  void check_name(const Mapping& mapping, const std::optional<std::string>& name);
  void check_spi(const Mapping& mapping, Direction direction, std::uint32_t spi, wire::Ipv4Address destination);
  void check_ends(const Mapping& mapping, Direction direction, std::optional<wire::Ipv4Address> source,
                  std::optional<wire::Ipv4Address> destination);
  std::optional<UdpEncap> read_encap(const Mapping& mapping);
  std::optional<Secret> read_key_of(const Mapping& mapping, std::optional<std::size_t> algorithm);
  std::optional<Selectors> read_selectors(const Mapping& mapping);
  Limits read_limits(const Mapping& lifetime, std::string_view key);
  Lifetime read_lifetime(const Mapping& mapping);
  OuterHeader read_outer(const Mapping& mapping, std::optional<std::size_t> direction);
  void note_key(const Mapping& mapping, const std::string& name, const KeyUse& use);

  // Selectors that were understood, of SAs that otherwise may not have been.
  struct Candidate {
    Selectors selectors;
    Direction direction;
    std::optional<wire::Ipv4Address> source;
    std::optional<wire::Ipv4Address> destination;
    std::string name;
    Mark mark;
    std::string field;
  };
  // What two SAs have in common of which one takes the other's place.
  using Twins =
      std::tuple<wire::Ipv4Address, wire::Ipv4Address, wire::Ipv6Prefix, wire::Ipv6Prefix, std::optional<std::uint8_t>>;
  static bool is_beside_another(const Candidate& candidate, std::set<Twins>& seen);
  struct KeyPlace {
    std::string name;
    Mark sa;
    Mark key;
    std::string field;
  };

  Scene* scene_;
  FirstSeen<std::string> names_;
  FirstSeen<std::tuple<Direction, wire::Ipv4Address, std::uint32_t>> spis_;
  std::vector<Candidate> candidates_;
  std::vector<KeyUse> key_uses_;  // look into the keys of the configuration's SAs and of spare_keys_
  std::vector<KeyPlace> key_places_;
  std::vector<Secret> spare_keys_;  // of SAs that were not understood otherwise
};

IpsecReader::IpsecReader(Scene& scene) : scene_(&scene) {
  for (const SecurityAssociation& sa : scene.config.security_associations) {
    names_.add(sa.name, sa.mark);
    spis_.add({sa.direction, sa.destination, sa.spi}, sa.mark);
    candidates_.push_back({.selectors = sa.selectors,
                           .direction = sa.direction,
                           .source = sa.source,
                           .destination = sa.destination,
                           .name = sa.name,
                           .mark = sa.mark,
                           .field = {}});
    key_uses_.push_back({.key = sa.key.bytes(), .direction = sa.direction, .spi = sa.spi});
    key_places_.push_back({.name = sa.name, .sa = sa.mark, .key = sa.mark, .field = {}});
  }
}

void IpsecReader::check_name(const Mapping& mapping, const std::optional<std::string>& name) {
  if (!name) return;
  const Value value = *mapping.value("name");
  if (const auto first = names_.add(*name, value.mark())) {
    scene_->problems.refuse(value, "the name of the SA at " + at_line(*first) + " already; allowed: each name once");
  }
}

void IpsecReader::check_spi(const Mapping& mapping, Direction direction, std::uint32_t spi,
                            wire::Ipv4Address destination) {
  const Value value = *mapping.value("spi");
  if (const auto first = spis_.add({direction, destination, spi}, value.mark())) {
    scene_->problems.refuse(value, "the SPI of the SA at " + at_line(*first) + " already, at the same destination " +
                                       wire::to_string(destination) + "; allowed: each SPI once");
  }
}

void IpsecReader::check_ends(const Mapping& mapping, Direction direction, std::optional<wire::Ipv4Address> source,
                             std::optional<wire::Ipv4Address> destination) {
  std::string_view near_key = "destination";
  std::string_view far_key = "source";
  if (direction == Direction::out) {
    std::swap(near_key, far_key);
    std::swap(source, destination);
  }
  if (source) scene_->interfaces.check_other_host(scene_->problems, *mapping.value(far_key), *source, "the peer");
  if (destination) scene_->interfaces.check_sa_end(scene_->problems, *mapping.value(near_key), *destination);
}

std::optional<UdpEncap> IpsecReader::read_encap(const Mapping& mapping) {
  const std::optional<Mapping> encap = mapping.mapping("udp_encap");
  if (!encap) return std::nullopt;
  UdpEncap out;
  const auto read_port = [&](std::string_view key, std::uint16_t& port) {
    const auto n = encap->number(key);
    if (!n) return;
    port = static_cast<std::uint16_t>(*n);
    if (*n != kIkePort) return;
    scene_->problems.refuse(*encap->value(key),
                            "IKE without a non-ESP marker lives there (RFC 3948 section 2.2); allowed: " +
                                allowed_text(*encap->value(key)->field));
  };
  read_port("source_port", out.source_port);
  read_port("destination_port", out.destination_port);
  return out;
}

std::optional<Secret> IpsecReader::read_key_of(const Mapping& mapping, std::optional<std::size_t> algorithm) {
  const std::optional<Value> value = mapping.value("key");
  if (!value) return std::nullopt;
  if (value->node->kind != NodeKind::scalar) {
    scene_->problems.refuse(*value, "allowed: " + allowed_text(*value->field));
    return std::nullopt;
  }
  if (!scene_->takes_key_files && !is_key_text(value->node->text())) {
    scene_->problems.refuse(*value,
                            "no key in hexadecimal; allowed here: hex:DIGITS, and no file of the gateway's machine");
    return std::nullopt;
  }
  tl::expected<Secret, std::string> key = read_key(value->node->text(), scene_->folder);
  if (!key) {
    scene_->problems.refuse(*value, key.error());
    return std::nullopt;
  }
  if (!algorithm) return std::nullopt;
  const KeyLength& length = kKeyLengths[*algorithm];
  if (key->bytes().size() == length.octets) return std::move(*key);
  scene_->problems.refuse(*value, "a key of " + std::to_string(key->bytes().size()) + " octets; allowed: " +
                                      std::to_string(length.octets) + " for " + std::string(length.algorithm) + " (" +
                                      std::to_string(length.octets - 4) + " of key, then 4 of salt)");
  return std::nullopt;
}

std::optional<Selectors> IpsecReader::read_selectors(const Mapping& mapping) {
  const std::optional<Mapping> selectors = mapping.mapping("selectors");
  if (!selectors) return std::nullopt;
  const auto source = selectors->ipv6_prefix("source");
  const auto destination = selectors->ipv6_prefix("destination");
  const auto protocol = selectors->protocol("protocol");
  if (protocol && std::find(kExtensionHeaders.begin(), kExtensionHeaders.end(), *protocol) != kExtensionHeaders.end()) {
    const Value value = *selectors->value("protocol");
    scene_->problems.refuse(
        value, "an IPv6 extension header, so that no packet would fit; allowed: " + allowed_text(*value.field));
    return std::nullopt;
  }
  if (!source || !destination || (selectors->has("protocol") && !protocol)) return std::nullopt;
  return Selectors{.source = *source, .destination = *destination, .protocol = protocol};
}

OuterHeader IpsecReader::read_outer(const Mapping& mapping, std::optional<std::size_t> direction) {
  OuterHeader out;
  if (direction == std::size_t{0}) {
    for (const std::string_view key : {"ttl", "dscp", "df"}) {
      const std::optional<Value> value = mapping.value(key);
      if (value) scene_->problems.refuse(*value, "an inbound SA makes no header; allowed: only with direction: out");
    }
    return out;
  }
  read_number(mapping, "ttl", out.ttl);
  out.dscp = mapping.dscp("dscp");
  if (const auto df = mapping.choice("df")) out.df = static_cast<DfMode>(*df);
  return out;
}

Limits IpsecReader::read_limits(const Mapping& lifetime, std::string_view key) {
  const std::optional<Mapping> limits = lifetime.mapping(key);
  if (!limits) return {};
  return {.seconds = limits->number("seconds"), .bytes = limits->number("bytes"), .packets = limits->number("packets")};
}

// A soft limit that comes with the hard one or after it tells nobody in time.
Lifetime IpsecReader::read_lifetime(const Mapping& mapping) {
  const std::optional<Mapping> lifetime = mapping.mapping("lifetime");
  if (!lifetime) return {};
  const Lifetime out{.soft = read_limits(*lifetime, "soft"), .hard = read_limits(*lifetime, "hard")};
  const auto compare = [&](std::string_view key, std::optional<std::uint64_t> soft, std::optional<std::uint64_t> hard) {
    if (!soft || !hard || *soft < *hard) return;
    scene_->problems.refuse(*lifetime->mapping("soft")->value(key),
                            "the hard one is " + std::to_string(*hard) + "; allowed: less than that");
  };
  compare("seconds", out.soft.seconds, out.hard.seconds);
  compare("bytes", out.soft.bytes, out.hard.bytes);
  compare("packets", out.soft.packets, out.hard.packets);
  return out;
}

// The octets stay where they are when the key moves on into the configuration.
void IpsecReader::note_key(const Mapping& mapping, const std::string& name, const KeyUse& use) {
  const Value value = *mapping.value("key");
  key_uses_.push_back(use);
  key_places_.push_back({.name = name, .sa = mapping.node().mark, .key = value.mark(), .field = to_string(value.path)});
}

void IpsecReader::read(const Mapping& mapping) {
  const std::size_t mistakes = scene_->problems.size();
  const auto name = mapping.text("name");
  const auto direction_choice = mapping.choice("direction");
  const auto spi = mapping.number("spi");
  const auto source = mapping.ipv4("source");
  const auto destination = mapping.ipv4("destination");
  const auto algorithm = mapping.choice("algorithm");
  const auto esn = mapping.boolean("esn");
  const auto window = mapping.number("replay_window");
  const std::optional<UdpEncap> encap = read_encap(mapping);
  std::optional<Secret> key = read_key_of(mapping, algorithm);
  const std::optional<Selectors> selectors = read_selectors(mapping);
  const OuterHeader outer = read_outer(mapping, direction_choice);
  const Lifetime lifetime = read_lifetime(mapping);

  check_name(mapping, name);
  if (direction_choice) {
    const Direction direction = *direction_choice == 0 ? Direction::in : Direction::out;
    if (spi && destination) check_spi(mapping, direction, static_cast<std::uint32_t>(*spi), *destination);
    check_ends(mapping, direction, source, destination);
    if (key)
      note_key(mapping, name.value_or(""), {key->bytes(), direction, static_cast<std::uint32_t>(spi.value_or(0))});
    if (selectors) {
      candidates_.push_back({.selectors = *selectors,
                             .direction = direction,
                             .source = source,
                             .destination = destination,
                             .name = name.value_or(""),
                             .mark = mapping.value("selectors")->mark(),
                             .field = to_string(mapping.value("selectors")->path)});
    }
  }
  if (scene_->problems.size() != mistakes || !name || !direction_choice || !spi || !source || !destination ||
      !algorithm || !key || !selectors) {
    if (key) spare_keys_.push_back(std::move(*key));
    return;
  }
  scene_->config.security_associations.push_back({.name = *name,
                                                  .direction = *direction_choice == 0 ? Direction::in : Direction::out,
                                                  .spi = static_cast<std::uint32_t>(*spi),
                                                  .source = *source,
                                                  .destination = *destination,
                                                  .udp_encap = encap,
                                                  .algorithm = static_cast<Algorithm>(*algorithm),
                                                  .key = std::move(*key),
                                                  .esn = esn.value_or(false),
                                                  .replay_window = static_cast<std::uint32_t>(window.value_or(0)),
                                                  .selectors = *selectors,
                                                  .ttl = outer.ttl,
                                                  .dscp = outer.dscp,
                                                  .df = outer.df,
                                                  .lifetime = lifetime,
                                                  .mark = mapping.node().mark});
}

// While keys are changed the old and the new inbound SA of one peer are there for the same packets, and the SPI tells
// which is meant (RFC 4301 section 4.1). Outbound it would be open which one seals.
bool IpsecReader::is_beside_another(const Candidate& candidate, std::set<Twins>& seen) {
  const Selectors& s = candidate.selectors;
  return candidate.direction == Direction::in && candidate.source && candidate.destination &&
         !seen.emplace(*candidate.source, *candidate.destination, s.source, s.destination, s.protocol).second;
}

void IpsecReader::check_overlaps() {
  for (const Direction direction : {Direction::in, Direction::out}) {
    std::vector<const Candidate*> same;
    std::vector<const Selectors*> selectors;
    std::set<Twins> seen;
    for (const Candidate& candidate : candidates_) {
      if (candidate.direction != direction || is_beside_another(candidate, seen)) continue;
      same.push_back(&candidate);
      selectors.push_back(&candidate.selectors);
    }
    for (const auto& [first, second] : find_overlaps(selectors)) {
      const Candidate& other = *same[first];
      const Candidate& late = *same[second];
      scene_->problems.add(
          {.mark = late.mark,
           .field = late.field,
           .found = wire::to_string(late.selectors.source) + " to " + wire::to_string(late.selectors.destination),
           .message = "overlaps the selectors of SA '" + other.name + "' at " + at_line(other.mark) +
                      "; allowed: selectors that keep the SAs of one direction apart, or, inbound, the very same "
                      "ones of an SA with the same source and destination"});
    }
  }
}

void IpsecReader::check_keys() {
  for (const auto& [late, first] : find_reused_keys(key_uses_)) {
    const KeyPlace& other = key_places_[first];
    const bool seals = key_uses_[late].direction == Direction::out || key_uses_[first].direction == Direction::out;
    scene_->problems.add({.mark = key_places_[late].key,
                          .field = key_places_[late].field,
                          .found = std::string(kNotShown),
                          .message = "the key of SA '" + other.name + "' at " + at_line(other.sa) +
                                     " too; allowed: a key of its own " +
                                     (seals ? "for an SA that seals, or nonces repeat (RFC 4106 section 3.1)"
                                            : "for each inbound SA of one SPI, or each of them takes the packets that "
                                              "another one took (RFC 4303 section 3.4.3)")});
  }
}

}  // namespace

void read_ipsec(Scene& scene, const Mapping& root) {
  const std::optional<Mapping> ipsec = root.mapping("ipsec");
  if (!ipsec) return;
  IpsecReader reader(scene);
  ipsec->for_each("security_associations", [&reader](const Mapping& mapping) { reader.read(mapping); });
  reader.check_overlaps();
  reader.check_keys();
}

}  // namespace strata::config
