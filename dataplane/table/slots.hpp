// Entries with a state of their own, which keep their places while the tables around them are made anew.
#pragma once

#include <cassert>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace strata {

// Tables that follow each other share one array. It grows as it likes until then; afterwards up to its room, so that no
// entry ever moves.
template <class Entry>
class Slots {
 public:
  Slots() : entries_(std::make_shared<std::vector<Entry>>()) {}
  Slots(Slots&&) noexcept = default;
  Slots& operator=(Slots&&) noexcept = default;

  // The same entries, by another name.
  Slots share() const { return Slots(entries_); }

  // So many may there be without one moving. What is not used is asked of the system, and not touched.
  void reserve(std::size_t room) {
    assert(entries_.use_count() == 1);
    entries_->reserve(room);
    first_ = entries_->data();
  }
  std::size_t room() const { return entries_->capacity(); }
  bool is_full() const { return size() == room(); }

  void push_back(Entry entry) {
    assert(entries_.use_count() == 1 || !is_full());
    entries_->push_back(std::move(entry));
    first_ = entries_->data();
  }

  Entry& operator[](std::size_t i) { return first_[i]; }
  const Entry& operator[](std::size_t i) const { return first_[i]; }
  Entry& at(std::size_t i) { return entries_->at(i); }
  Entry& back() { return entries_->back(); }
  std::size_t size() const { return entries_->size(); }
  const Entry* data() const { return first_; }
  Entry* begin() { return first_; }
  Entry* end() { return first_ + size(); }
  const Entry* begin() const { return first_; }
  const Entry* end() const { return first_ + size(); }

 private:
  explicit Slots(std::shared_ptr<std::vector<Entry>> entries)
      : entries_(std::move(entries)), first_(entries_->data()) {}

  std::shared_ptr<std::vector<Entry>> entries_;
  Entry* first_ = nullptr;  // what the path reads is one step away
};

}  // namespace strata
