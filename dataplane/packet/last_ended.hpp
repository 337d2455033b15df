// What the last packets of each cause began with, for whoever looks for a fault: written where packets end, read by
// other threads meanwhile.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <thread>
#include <type_traits>
#include <vector>

#include "dataplane/drop/cause.hpp"
#include "dataplane/packet/stage.hpp"

namespace strata {

// The header that a packet begins with at a stage.
enum class Begins : std::uint8_t { ethernet, arp, esp, ipv4, ipv6 };

constexpr std::string_view name_of(Begins begins) {
  constexpr std::array<std::string_view, 5> kNames{"ethernet", "arp", "esp", "ipv4", "ipv6"};
  return kNames[static_cast<std::size_t>(begins)];
}

// How much of a packet everybody may see who may ask at all. What an SA has opened, or is to seal, is not for all of
// them; what the unprotected side's wire has shown to everybody is.
enum class Open : std::uint8_t {
  nothing,   // of what may have been opened, or may be sealed
  as_wire,   // all, if it came by the unprotected side
  esp_head,  // the SPI, the number and the IV: what stands behind them may be opened by now
};

// What can be said of a packet that ends at a stage.
struct StageFacts {
  const char* name;
  Begins begins;
  Open open;
};

template <class Stage>
constexpr StageFacts facts_of() {
  using std::is_same_v;
  const char* name = kStageName<Stage>;
  if constexpr (is_same_v<Stage, stage::Frame>) return {name, Begins::ethernet, Open::as_wire};
  if constexpr (is_same_v<Stage, stage::Arp>) return {name, Begins::arp, Open::as_wire};
  if constexpr (is_same_v<Stage, stage::Host>) return {name, Begins::ipv4, Open::as_wire};
  if constexpr (is_same_v<Stage, stage::EspIn> || is_same_v<Stage, stage::Decrypted>)
    return {name, Begins::esp, Open::esp_head};
  if constexpr (is_same_v<Stage, stage::Out>) return {name, Begins::ethernet, Open::nothing};
  if constexpr (is_same_v<Stage, stage::Ip6> || is_same_v<Stage, stage::Sr6> || is_same_v<Stage, stage::Sr6Out>)
    return {name, Begins::ipv6, Open::nothing};
  return {name, Begins::ipv4, Open::nothing};
}
template <class Stage>
inline constexpr StageFacts kStageFacts = facts_of<Stage>();

// All that packets stand at between two steps: not what they are in the midst of one.
inline constexpr std::array kAllStages{
    &kStageFacts<stage::Frame>,      &kStageFacts<stage::Arp>,      &kStageFacts<stage::Host>,
    &kStageFacts<stage::EspIn>,      &kStageFacts<stage::Ip6>,      &kStageFacts<stage::Sr6>,
    &kStageFacts<stage::Ip4>,        &kStageFacts<stage::Steered>,  &kStageFacts<stage::Sr6Out>,
    &kStageFacts<stage::Out>,        &kStageFacts<stage::Fragment>, &kStageFacts<stage::Local>,
    &kStageFacts<stage::Unresolved>, &kStageFacts<stage::Oversize>, &kStageFacts<stage::Refused>,
    &kStageFacts<stage::Made>};

// Octets of a packet that ended for this cause which may be shown at all, to whoever it is. RFC 4303 section 3.4.4: of
// what failed its ICV nothing behind what came in clear. A cipher that failed may have left anything.
inline constexpr std::size_t kEspHead = 16;  // SPI, number, IV
constexpr std::size_t most_shown(Cause cause) {
  if (cause == Cause::esp_auth_failed || cause == Cause::esp_open_failed) return kEspHead;
  return cause == Cause::esp_seal_failed ? 0 : SIZE_MAX;
}

// The turn in which packets end.
struct TurnOf {
  std::uint64_t time_ns = 0;
  PortId port = PortId::none();  // whose queue was read; none(): they came by several
  Side side = Side::either_side;
};

class LastEnded {
 public:
  static constexpr std::size_t kKept = 4;     // packets of each cause
  static constexpr std::size_t kOctets = 96;  // of each

  struct Packet {
    std::uint64_t time_ns;
    const StageFacts* at;  // nullptr: not known
    std::uint16_t length;  // octets that the packet had there
    std::uint16_t kept;    // octets of them here
    std::uint16_t open;    // octets that everybody may see who may ask at all
    std::uint8_t port;     // PortId
    std::uint8_t reserved;
    std::array<std::uint8_t, kOctets> octets;
  };

  // The worker's.
  void note(Cause cause, const StageFacts* at, const TurnOf& turn, std::span<const std::uint8_t> bytes) {
    if (held_.load(std::memory_order_relaxed)) return;
    Packet packet{.time_ns = turn.time_ns,
                  .at = at,
                  .length = static_cast<std::uint16_t>(bytes.size()),
                  .kept = static_cast<std::uint16_t>(std::min({bytes.size(), most_shown(cause), kOctets})),
                  .open = 0,
                  .port = turn.port.index(),
                  .reserved = 0,
                  .octets = {}};
    packet.open = static_cast<std::uint16_t>(std::min<std::size_t>(packet.kept, open_of(at, turn)));
    std::memcpy(packet.octets.data(), bytes.data(), packet.kept);
    rings_[static_cast<std::size_t>(cause)].put(packet);
  }

  // From one thread at a time: what is there, the newest first. In a flood all would be overwritten faster than it is
  // read, so nothing is noted meanwhile; what the worker was writing just then may need a second look.
  std::vector<Packet> of(Cause cause) const {
    constexpr int kLooks = 1000;
    const Ring& ring = rings_[static_cast<std::size_t>(cause)];
    std::vector<Packet> found;
    held_.store(true, std::memory_order_relaxed);
    for (int look = 0; look < kLooks && !ring.read(found); ++look) std::this_thread::yield();
    held_.store(false, std::memory_order_relaxed);
    return found;
  }

  // Octets of a packet that ended there which everybody may see who may ask at all.
  static std::size_t open_of(const StageFacts* at, const TurnOf& turn) {
    if (at == nullptr || at->open == Open::nothing) return 0;
    if (at->open == Open::esp_head) return kEspHead;
    return turn.side == Side::unprotected_side ? kOctets : 0;
  }

 private:
  static_assert(std::has_unique_object_representations_v<Packet> && sizeof(Packet) % sizeof(std::uint64_t) == 0);
  using Words = std::array<std::uint64_t, sizeof(Packet) / sizeof(std::uint64_t)>;

  // A place that is written while others read it: its number is odd meanwhile. Who has read a word of a later packet
  // sees a later number, as each word is released after it.
  struct Place {
    std::atomic<std::uint64_t> number{0};
    std::array<std::atomic<std::uint64_t>, std::tuple_size_v<Words>> words{};
  };

  class Ring {
   public:
    void put(const Packet& packet) {
      const std::uint64_t n = put_.load(std::memory_order_relaxed) + 1;
      Place& place = places_[n % kKept];
      Words words;
      std::memcpy(words.data(), &packet, sizeof packet);
      place.number.store(2 * n - 1, std::memory_order_relaxed);
      for (std::size_t i = 0; i < words.size(); ++i) place.words[i].store(words[i], std::memory_order_release);
      place.number.store(2 * n, std::memory_order_release);
      put_.store(n, std::memory_order_release);
    }
    // The newest first. False: some were overwritten meanwhile, and are not among them.
    bool read(std::vector<Packet>& found) const {
      found.clear();
      const std::uint64_t put = put_.load(std::memory_order_acquire);
      const std::uint64_t there = std::min<std::uint64_t>(put, kKept);
      for (std::uint64_t back = 0; back < there; ++back)
        if (const auto packet = get(put - back)) found.push_back(*packet);
      return found.size() == there;
    }

   private:
    // The nth that was put. Nothing: a later one stands there by now.
    std::optional<Packet> get(std::uint64_t n) const {
      const Place& place = places_[n % kKept];
      if (place.number.load(std::memory_order_acquire) != 2 * n) return std::nullopt;
      Words words;
      for (std::size_t i = 0; i < words.size(); ++i) words[i] = place.words[i].load(std::memory_order_acquire);
      if (place.number.load(std::memory_order_relaxed) != 2 * n) return std::nullopt;
      Packet packet;
      std::memcpy(&packet, words.data(), sizeof packet);
      return packet;
    }

    std::atomic<std::uint64_t> put_{0};
    std::array<Place, kKept> places_;
  };

  mutable std::atomic<bool> held_{false};
  std::array<Ring, kCauseCount> rings_;
};

}  // namespace strata
