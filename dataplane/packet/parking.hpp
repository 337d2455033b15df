// Parking: how a packet leaves its worker for a while (a ring to another worker, a queue, reassembly) and comes back.
//
// The row goes along in the mbuf's private area, under the tag of its stage. This is the only use of that area, and it
// is checked when the packet is picked up: the line is being read anyway.
#pragma once

#include <cstring>
#include <optional>

#include "dataplane/packet/ends.hpp"

namespace strata {

// One number for each stage, for the tag only. Not 00 and not a byte repeated: what a fresh buffer holds is no tag.
template <class Stage>
inline constexpr std::uint32_t kParkingTag = 0;
template <>
inline constexpr std::uint32_t kParkingTag<stage::EspIn> = 0x5354'0001;
template <>
inline constexpr std::uint32_t kParkingTag<stage::Ip4> = 0x5354'0002;
template <>
inline constexpr std::uint32_t kParkingTag<stage::Out> = 0x5354'0003;
template <>
inline constexpr std::uint32_t kParkingTag<stage::Unresolved> = 0x5354'0004;
template <>
inline constexpr std::uint32_t kParkingTag<stage::Fragment> = 0x5354'0005;
template <>
inline constexpr std::uint32_t kParkingTag<stage::Sr6Out> = 0x5354'0006;
template <>
inline constexpr std::uint32_t kParkingTag<stage::Arp> = 0x5354'0007;
template <>
inline constexpr std::uint32_t kParkingTag<stage::Local> = 0x5354'0008;
template <>
inline constexpr std::uint32_t kParkingTag<stage::Refused> = 0x5354'0009;

template <class Stage>
concept Parkable = kParkingTag<Stage>
!= 0;

struct ParkingSlip {
  std::uint32_t tag;
  alignas(8) std::byte row[16];
};
inline constexpr std::uint16_t kPrivateSize = sizeof(ParkingSlip);
static_assert(kPrivateSize % RTE_MBUF_PRIV_ALIGN == 0);

// Writes a row into its packet's buffer, and reads it back.
class ParkingSlips {
  template <Parkable Stage>
  static void write(rte_mbuf* buffer, const Row<Stage>& row) {
    ParkingSlip* slip = of(buffer);
    slip->tag = kParkingTag<Stage>;
    std::memcpy(slip->row, &row, sizeof row);
  }
  // A slip serves once. Nothing: it is another stage's.
  template <Parkable Stage>
  static std::optional<Row<Stage>> read(rte_mbuf* buffer) {
    const std::optional<Row<Stage>> row = peek<Stage>(buffer);
    use_up(buffer);
    return row;
  }
  // Without using it up. Nothing: it is another stage's.
  template <Parkable Stage>
  static std::optional<Row<Stage>> peek(rte_mbuf* buffer) {
    const ParkingSlip* slip = of(buffer);
    if (slip->tag != kParkingTag<Stage>) return std::nullopt;
    alignas(Row<Stage>) std::byte bytes[sizeof(Row<Stage>)];
    std::memcpy(bytes, slip->row, sizeof bytes);
    return *std::launder(reinterpret_cast<Row<Stage>*>(bytes));
  }
  static void use_up(rte_mbuf* buffer) { of(buffer)->tag = 0; }
  static ParkingSlip* of(rte_mbuf* buffer) { return static_cast<ParkingSlip*>(rte_mbuf_to_priv(buffer)); }

  friend class Handoff;
  friend class Parking;
  friend class Reassembly;
};

// A packet that is parked: opaque, move only, fit for a ring by leave() and arrive().
class [[nodiscard]] Parked {
 public:
  Parked(Parked&& other) noexcept : buffer_(std::exchange(other.buffer_, nullptr)) {}
  Parked& operator=(Parked&&) = delete;
  ~Parked() { assert(buffer_ == nullptr && "a parked packet was lost"); }

  static void* leave(Parked&& parked) { return std::exchange(parked.buffer_, nullptr); }
  static Parked arrive(void* from_leave) { return Parked(static_cast<rte_mbuf*>(from_leave)); }

 private:
  explicit Parked(rte_mbuf* buffer) : buffer_(buffer) {}
  rte_mbuf* buffer_;
  friend class Parking;
};

class Parking {
 public:
  // `keep` takes the parked packet: it is how a step can say Done.
  template <Parkable Stage, class Keep>
  static Done park(Packet<Stage>&& packet, const Row<Stage>& row, Keep&& keep) {
    rte_mbuf* buffer = Access::release(std::move(packet));
    ParkingSlips::write(buffer, row);
    keep(Parked(buffer));
    return Access::done();
  }

  // Back into the journey, at the stage it was parked at; anything else is a fault of this program, and is counted.
  // place: a new one, where it comes back among others.
  template <Parkable Stage>
  static Done pick_up(Parked&& parked, Burst<Stage>& out, Ends& ends, std::optional<Arrival> place = std::nullopt) {
    rte_mbuf* buffer = std::exchange(parked.buffer_, nullptr);
    std::optional<Row<Stage>> row = ParkingSlips::read<Stage>(buffer);
    if (!row) return ends.end_somewhere(Access::adopt<stage::Out>(buffer), Cause::park_wrong_stage);
    Packet<Stage> packet = Access::adopt<Stage>(buffer);
    if (place) set_place(*row, *place);
    return out.push(std::move(packet), *row);
  }

  // The same where it may have been parked at any of several stages, at a new place. False: it is another stage's, and
  // stays parked.
  template <Parkable Stage>
  static bool pick_up_at(Parked& parked, Arrival place, Burst<Stage>& out) {
    std::optional<Row<Stage>> row = ParkingSlips::peek<Stage>(parked.buffer_);
    if (!row) return false;
    ParkingSlips::use_up(parked.buffer_);
    set_place(*row, place);
    (void)out.push(Access::adopt<Stage>(std::exchange(parked.buffer_, nullptr)), *row);
    return true;
  }
};

}  // namespace strata
