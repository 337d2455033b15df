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
    ParkingSlip* slip = of(buffer);
    if (std::exchange(slip->tag, 0) != kParkingTag<Stage>) return std::nullopt;
    alignas(Row<Stage>) std::byte bytes[sizeof(Row<Stage>)];
    std::memcpy(bytes, slip->row, sizeof bytes);
    return *std::launder(reinterpret_cast<Row<Stage>*>(bytes));
  }
  static ParkingSlip* of(rte_mbuf* buffer) { return static_cast<ParkingSlip*>(rte_mbuf_to_priv(buffer)); }

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
  template <Parkable Stage>
  static Done pick_up(Parked&& parked, Burst<Stage>& out, Ends& ends) {
    rte_mbuf* buffer = std::exchange(parked.buffer_, nullptr);
    const std::optional<Row<Stage>> row = ParkingSlips::read<Stage>(buffer);
    Packet<Stage> packet = Access::adopt<Stage>(buffer);
    if (!row) return ends.end(std::move(packet), Cause::park_wrong_stage);
    return out.push(std::move(packet), *row);
  }
};

}  // namespace strata
