// Packets that wait until the MAC address of their next hop is known (RFC 1122 section 2.3.2.2), in the order they
// came.
#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/packet/parking.hpp"

namespace strata {

// Bounded twice: for each neighbor, and in all.
class HoldQueue {
 public:
  static constexpr std::size_t kAll = 1024;

  // neighbors: how many AdjIds there are; each: packets held for one of them.
  HoldQueue(std::size_t neighbors, unsigned each) : lines_(neighbors), slots_(kAll), each_(each) {
    for (std::uint32_t i = 0; i < kAll; ++i) slots_[i].next = i + 1 < kAll ? i + 1 : kNil;
  }
  HoldQueue(const HoldQueue&) = delete;
  HoldQueue& operator=(const HoldQueue&) = delete;
#ifndef NDEBUG
  ~HoldQueue() { assert(held_ == 0 && "packets were left waiting"); }
#endif

  bool has_room(AdjId<V4> neighbor) const { return free_ != kNil && lines_[neighbor.index()].count < each_; }
  bool empty(AdjId<V4> neighbor) const { return lines_[neighbor.index()].count == 0; }
  std::size_t held() const { return held_; }

  // Where there is room.
  Done push(Packet<stage::Unresolved>&& packet, const Row<stage::Unresolved>& row) {
    return Parking::park(std::move(packet), row, [&](Parked parked) {
      Line& line = lines_[row.waits_for.index()];
      const std::uint32_t slot = free_;
      free_ = slots_[slot].next;
      slots_[slot] = {Parked::leave(std::move(parked)), kNil};
      (line.count == 0 ? line.first : slots_[line.last].next) = slot;
      line.last = slot;
      ++line.count;
      ++held_;
    });
  }

  // The first of those that wait, as many as the burst still takes, in new places.
  void take(AdjId<V4> neighbor, Burst<stage::Unresolved>& out, Ends& ends) {
    Line& line = lines_[neighbor.index()];
    while (line.count != 0 && out.size() < kBurstSize) {
      const std::uint32_t slot = line.first;
      line.first = slots_[slot].next;
      --line.count;
      --held_;
      const auto place = static_cast<Arrival>(out.size());
      (void)Parking::pick_up(Parked::arrive(slots_[slot].parked), out, ends, place);
      slots_[slot] = {nullptr, free_};
      free_ = slot;
    }
  }

 private:
  static constexpr std::uint32_t kNil = UINT32_MAX;
  struct Slot {
    void* parked = nullptr;
    std::uint32_t next = kNil;
  };
  struct Line {
    std::uint32_t first = kNil;
    std::uint32_t last = kNil;
    std::uint32_t count = 0;
  };

  std::vector<Line> lines_;  // by AdjId
  std::vector<Slot> slots_;
  std::uint32_t free_ = 0;
  unsigned each_;
  std::size_t held_ = 0;
};

}  // namespace strata
