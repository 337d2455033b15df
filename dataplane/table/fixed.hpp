// Rows whose number is settled when they are made.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <utility>
#include <vector>

namespace strata {

// A vector that knows its size. std::vector computes it anew from two pointers wherever an index is checked; here the
// check on the path is one comparison (decisions/0022).
template <class T>
class Fixed {
 public:
  Fixed() = default;
  explicit Fixed(std::size_t size) : rows_(size), size_(size) {}
  explicit Fixed(std::vector<T> rows) : rows_(std::move(rows)), size_(rows_.size()) {}
  Fixed(Fixed&& other) noexcept : rows_(std::move(other.rows_)), size_(std::exchange(other.size_, 0)) {}
  Fixed& operator=(Fixed&& other) noexcept {
    rows_ = std::move(other.rows_);
    size_ = std::exchange(other.size_, 0);
    return *this;
  }
  Fixed(const Fixed&) = default;
  Fixed& operator=(const Fixed&) = default;
  ~Fixed() = default;

  T& operator[](std::size_t i) { return const_cast<T&>(std::as_const(*this)[i]); }
  const T& operator[](std::size_t i) const {
    if (i >= size_) [[unlikely]]
      std::abort();
    return rows_.data()[i];
  }
  std::size_t size() const { return size_; }
  auto begin() const { return rows_.begin(); }
  auto end() const { return rows_.end(); }

 private:
  std::vector<T> rows_;
  std::size_t size_ = 0;
};

}  // namespace strata
