// What is due when: a binary heap that knows where each ID stands in it, so that a time can be changed in O(log n).
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

namespace strata {

class DueHeap {
 public:
  static constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

  // ids: 0 to ids - 1. Nothing is due yet.
  explicit DueHeap(std::size_t ids) : place_(ids, kNowhere) {}

  // Of the first; of equal times the lowest ID is first.
  std::uint64_t next_due() const { return heap_.empty() ? kNever : heap_.front().due; }
  // Where something is due.
  std::uint32_t first() const { return heap_.front().id; }

  bool has(std::uint32_t id) const { return place_[id] != kNowhere; }
  // Where it has.
  std::uint64_t due_of(std::uint32_t id) const { return heap_[place_[id]].due; }

  // Whatever it was before.
  void set(std::uint32_t id, std::uint64_t due) {
    std::uint32_t place = place_[id];
    if (place == kNowhere) {
      place = static_cast<std::uint32_t>(heap_.size());
      heap_.push_back({due, id});
    }
    settle(place, {due, id});
  }

  // No more; once more is no harm.
  void erase(std::uint32_t id) {
    const std::uint32_t place = std::exchange(place_[id], kNowhere);
    if (place == kNowhere) return;
    const Entry last = heap_.back();
    heap_.pop_back();
    if (last.id != id) settle(place, last);
  }

 private:
  static constexpr std::uint32_t kNowhere = std::numeric_limits<std::uint32_t>::max();
  struct Entry {
    std::uint64_t due;
    std::uint32_t id;
    auto operator<=>(const Entry&) const = default;
  };

  void put(std::uint32_t place, const Entry& entry) {
    heap_[place] = entry;
    place_[entry.id] = place;
  }

  // The entry goes to this place, or as far up or down from it as it must.
  void settle(std::uint32_t place, const Entry& entry) {
    while (place > 0 && entry < heap_[(place - 1) / 2]) {
      put(place, heap_[(place - 1) / 2]);
      place = (place - 1) / 2;
    }
    for (;;) {
      std::uint32_t child = 2 * place + 1;
      if (child >= heap_.size()) break;
      if (child + 1 < heap_.size() && heap_[child + 1] < heap_[child]) ++child;
      if (entry < heap_[child]) break;
      put(place, heap_[child]);
      place = child;
    }
    put(place, entry);
  }

  std::vector<Entry> heap_;           // each before its children, 2 i + 1 and 2 i + 2
  std::vector<std::uint32_t> place_;  // by ID: where in heap_
};

}  // namespace strata
