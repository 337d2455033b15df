// A hash table that is built once and then only read: open addressing, at most half full, no deletions, no locks.
#pragma once

#include <nmmintrin.h>

#include <algorithm>
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>
#include <vector>

#include "dataplane/prefetch.hpp"

namespace strata {

// Key: hashed octet by octet, so it may have no padding. Value: trivially copyable.
// Who is looked up is up to whoever sends packets; who is in the table only to the configuration. A search ends at the
// first free slot, so its length is bounded by what was put in, whatever is asked.
template <class Key, class Value>
class FlatHash {
  static_assert(std::has_unique_object_representations_v<Key>, "a key with padding compares by luck");
  static_assert(sizeof(Key) == 4 || sizeof(Key) % 8 == 0);

  // So many that of few entries nearly all searches in vain end at once: how many steps a search takes is what the CPU
  // has to guess.
  static constexpr std::size_t kLeastSlots = 256;

  // Within one cache line; the flag may stand where the value has padding.
  struct Slot {
    Key key{};
    [[no_unique_address]] Value value{};
    bool used = false;
  };
  struct alignas(std::bit_ceil(sizeof(Slot))) AlignedSlot : Slot {};

 public:
  FlatHash() : slots_(kLeastSlots), mask_(kLeastSlots - 1) {}

  // Of two entries with one key the first stays.
  explicit FlatHash(const std::vector<std::pair<Key, Value>>& entries)
      : slots_(std::bit_ceil(std::max(entries.size() * 2, kLeastSlots))), mask_(slots_.size() - 1) {
    shift_ = best_shift(entries);
    for (const auto& [key, value] : entries) insert(key, value);
  }

  // Nothing: nullptr.
  const Value* find(const Key& key) const {
    const AlignedSlot* slots = slots_.data();  // the mask keeps within
    for (std::size_t i = first_slot(key, shift_);; i = (i + 1) & mask_) {
      const Slot& slot = slots[i];
      if (!slot.used) return nullptr;
      if (slot.key == key) return &slot.value;
    }
  }

  // For who changes what others may read meanwhile: a value's own affair.
  Value* find(const Key& key) { return const_cast<Value*>(std::as_const(*this).find(key)); }

  // Asks for what find() will look at.
  void prefetch(const Key& key) const { prefetch_line(&slots_.data()[first_slot(key, shift_)]); }

  static constexpr std::size_t kSlotSize = sizeof(AlignedSlot);
  std::size_t bytes() const { return slots_.size() * sizeof(AlignedSlot); }
  // Entries whose search takes more than one step.
  std::size_t displaced() const {
    std::size_t n = 0;
    for (std::size_t i = 0; i < slots_.size(); ++i) n += slots_[i].used && first_slot(slots_[i].key, shift_) != i;
    return n;
  }
  // Slots that a search in vain passes by, at the most.
  std::size_t longest_run() const {
    std::size_t longest = 0;
    std::size_t run = 0;
    for (std::size_t i = 0; i < 2 * slots_.size() && run <= slots_.size(); ++i) {
      run = slots_[i & mask_].used ? run + 1 : 0;
      longest = std::max(longest, run);
    }
    return longest;
  }

 private:
  // CRC-32C: three cycles for eight octets.
  static std::size_t hash(const Key& key) {
    if constexpr (sizeof(Key) == 4) {
      std::uint32_t word;
      std::memcpy(&word, &key, sizeof word);
      return _mm_crc32_u32(0, word);
    } else {
      std::uint64_t h = 0;
      for (std::size_t i = 0; i < sizeof(Key); i += 8) {
        std::uint64_t word;
        std::memcpy(&word, reinterpret_cast<const char*>(&key) + i, sizeof word);
        h = _mm_crc32_u64(h, word);
      }
      return h;
    }
  }

  std::size_t first_slot(const Key& key, unsigned shift) const { return hash(key) >> shift & mask_; }

  // Keys that people number one by one differ in few bits, and CRC-32C is linear: some of its bits tell all of them
  // apart, others take half of them for one another. So which bits are used is tried out.
  unsigned best_shift(const std::vector<std::pair<Key, Value>>& entries) const {
    constexpr int kHashBits = 32;
    unsigned best = 0;
    Clashes fewest{entries.size(), slots_.size()};
    for (int shift = 0; shift <= kHashBits - std::popcount(mask_); ++shift) {
      const Clashes clashes = clashes_of(entries, static_cast<unsigned>(shift));
      if (!(clashes < fewest)) continue;
      best = static_cast<unsigned>(shift);
      fewest = clashes;
    }
    return best;
  }

  // Entries whose first slot another one has: what is in the table is found later. Then the longest run of first slots:
  // about so long is what is not in it searched for, and longer where entries are displaced.
  struct Clashes {
    std::size_t entries;
    std::size_t run;
    auto operator<=>(const Clashes&) const = default;
  };
  Clashes clashes_of(const std::vector<std::pair<Key, Value>>& entries, unsigned shift) const {
    std::vector<bool> taken(slots_.size());
    Clashes clashes{0, 0};
    for (const auto& [key, value] : entries) {
      const std::size_t slot = first_slot(key, shift);
      clashes.entries += taken[slot];
      taken[slot] = true;
    }
    std::size_t run = 0;
    for (const bool is_taken : taken) {
      run = is_taken ? run + 1 : 0;
      clashes.run = std::max(clashes.run, run);
    }
    return clashes;
  }

  void insert(const Key& key, const Value& value) {
    std::size_t i = first_slot(key, shift_);
    for (; slots_[i].used; i = (i + 1) & mask_)
      if (slots_[i].key == key) return;
    Slot& slot = slots_[i];
    slot.key = key;
    slot.value = value;
    slot.used = true;
  }

  std::vector<AlignedSlot> slots_;
  std::size_t mask_;
  unsigned shift_ = 0;  // of the hash, before the mask
};

// What was looked up last, for as long as the table stays: packets come in trains, and what one asks the next one asks
// too.
template <class Key, class Value>
class LastFound {
 public:
  explicit LastFound(const FlatHash<Key, Value>& table) : table_(&table), found_(table.find(key_)) {}

  const Value* find(const Key& key) {
    if (!(key == key_)) {
      key_ = key;
      found_ = table_->find(key);
    }
    return found_;
  }

 private:
  const FlatHash<Key, Value>* table_;
  Key key_{};
  const Value* found_;
};

}  // namespace strata
