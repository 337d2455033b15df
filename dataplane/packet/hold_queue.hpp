// Packets that wait until the MAC address of their next hop is known (RFC 1122 section 2.3.2.2), in the order they
// came.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "dataplane/packet/parking.hpp"

namespace strata {

// Bounded twice: for each neighbor, and for each port, so that those who flood one side take no room of the other's.
class HoldQueue {
 public:
  static constexpr std::size_t kEachPort = 512;

  // neighbors: how many AdjIds there are, on so many ports; each: packets held for one of them.
  HoldQueue(std::size_t neighbors, std::size_t ports, unsigned each)
      : lines_(neighbors), slots_(ports * kEachPort), free_(slots_.empty() ? kNil : 0), each_(each) {
    for (std::uint32_t i = 0; i < slots_.size(); ++i) slots_[i].next = i + 1 < slots_.size() ? i + 1 : kNil;
  }
  HoldQueue(const HoldQueue&) = delete;
  HoldQueue& operator=(const HoldQueue&) = delete;
#ifndef NDEBUG
  ~HoldQueue() { assert(held_ == 0 && "packets were left waiting"); }
#endif

  // port: the neighbor's.
  bool has_room(AdjId<V4> neighbor, PortId port) const {
    return free_ != kNil && of_port_[port.index()] < kEachPort && lines_[neighbor.index()].count < each_;
  }
  bool empty(AdjId<V4> neighbor) const { return lines_[neighbor.index()].count == 0; }
  std::size_t held() const { return held_; }

  // Where there is room. port: the neighbor's.
  Done push(Packet<stage::Unresolved>&& packet, const Row<stage::Unresolved>& row, PortId port) {
    return Parking::park(std::move(packet), row, [&](Parked parked) {
      Line& line = lines_[row.waits_for.index()];
      const std::uint32_t slot = free_;
      free_ = slots_[slot].next;
      slots_[slot] = {Parked::leave(std::move(parked)), kNil, port};
      (line.count == 0 ? line.first : slots_[line.last].next) = slot;
      line.last = slot;
      ++line.count;
      ++of_port_[port.index()];
      ++held_;
    });
  }

  // Those that wait for one neighbor wait for another one from now on, for which nothing waits.
  void move(AdjId<V4> from, AdjId<V4> to) { lines_[to.index()] = std::exchange(lines_[from.index()], {}); }

  // The first of those that wait, as many as the burst still takes, in new places.
  void take(AdjId<V4> neighbor, Burst<stage::Unresolved>& out, Ends& ends) {
    Line& line = lines_[neighbor.index()];
    while (line.count != 0 && out.size() < kBurstSize) {
      const std::uint32_t slot = line.first;
      line.first = slots_[slot].next;
      --line.count;
      --of_port_[slots_[slot].port.index()];
      --held_;
      const auto place = static_cast<Arrival>(out.size());
      (void)Parking::pick_up(Parked::arrive(slots_[slot].parked), out, ends, place);
      slots_[slot] = {nullptr, free_, PortId::none()};
      free_ = slot;
    }
  }

 private:
  static constexpr std::uint32_t kNil = UINT32_MAX;
  struct Slot {
    void* parked = nullptr;
    std::uint32_t next = kNil;
    PortId port = PortId::none();  // that the packet is to leave by
  };
  struct Line {
    std::uint32_t first = kNil;
    std::uint32_t last = kNil;
    std::uint32_t count = 0;
  };

  std::vector<Line> lines_;  // by AdjId
  std::vector<Slot> slots_;
  std::array<std::size_t, 256> of_port_{};  // by PortId
  std::uint32_t free_;
  unsigned each_;
  std::size_t held_ = 0;
};

}  // namespace strata
