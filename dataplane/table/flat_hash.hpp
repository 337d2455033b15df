// A hash table that is built once and then only read: open addressing, at most half full, no deletions, no locks.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>
#include <vector>

namespace strata {

// Key: hashed octet by octet, so it may have no padding. Value: trivially copyable.
// Who is looked up is up to whoever sends packets; who is in the table only to the configuration. A search ends at the
// first free slot, so its length is bounded by what was put in, whatever is asked.
template <class Key, class Value>
class FlatHash {
  static_assert(std::has_unique_object_representations_v<Key>, "a key with padding compares by luck");
  static_assert(sizeof(Key) == 4 || sizeof(Key) % 8 == 0);

 public:
  FlatHash() : slots_(2), mask_(1) {}

  // Of two entries with one key the first stays.
  explicit FlatHash(const std::vector<std::pair<Key, Value>>& entries)
      : slots_(std::bit_ceil(entries.size() * 2 + 2)), mask_(slots_.size() - 1) {
    for (const auto& [key, value] : entries) insert(key, value);
  }

  // Nothing: nullptr.
  const Value* find(const Key& key) const {
    for (std::size_t i = hash(key) & mask_;; i = (i + 1) & mask_) {
      const Slot& slot = slots_[i];
      if (!slot.used) return nullptr;
      if (slot.key == key) return &slot.value;
    }
  }

  std::size_t bytes() const { return slots_.size() * sizeof(Slot); }

 private:
  struct Slot {
    Key key{};
    Value value{};
    bool used = false;
  };

  static std::uint64_t mix(std::uint64_t h) {
    h *= 0x9e3779b97f4a7c15U;  // 2^64 / golden ratio
    return h ^ (h >> 32);
  }

  static std::size_t hash(const Key& key) {
    if constexpr (sizeof(Key) == 4) {
      std::uint32_t word;
      std::memcpy(&word, &key, sizeof word);
      return mix(word);
    } else {
      std::uint64_t h = 0;
      for (std::size_t i = 0; i < sizeof(Key); i += 8) {
        std::uint64_t word;
        std::memcpy(&word, reinterpret_cast<const char*>(&key) + i, sizeof word);
        h = mix(h ^ word);
      }
      return h;
    }
  }

  void insert(const Key& key, const Value& value) {
    std::size_t i = hash(key) & mask_;
    for (; slots_[i].used; i = (i + 1) & mask_)
      if (slots_[i].key == key) return;
    slots_[i] = {key, value, true};
  }

  std::vector<Slot> slots_;
  std::size_t mask_;
};

}  // namespace strata
