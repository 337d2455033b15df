// A number with one writer that other threads may read at any time, in no order with anything else.
#pragma once

#include <atomic>

namespace strata {

// As T. Adding is a load and a store: for the one who writes it costs what a plain number costs.
template <class T>
class Relaxed {
 public:
  constexpr Relaxed(T value = {}) : value_(value) {}  // NOLINT(google-explicit-constructor): as T
  Relaxed(const Relaxed& other) : value_(other.load()) {}
  Relaxed& operator=(const Relaxed& other) { return *this = other.load(); }
  Relaxed& operator=(T value) {
    value_.store(value, std::memory_order_relaxed);
    return *this;
  }
  ~Relaxed() = default;

  operator T() const { return load(); }  // NOLINT(google-explicit-constructor): as T
  Relaxed& operator+=(T more) { return *this = static_cast<T>(load() + more); }
  Relaxed& operator++() { return *this += 1; }

 private:
  T load() const { return value_.load(std::memory_order_relaxed); }

  std::atomic<T> value_;
  static_assert(std::atomic<T>::is_always_lock_free);
};

}  // namespace strata
