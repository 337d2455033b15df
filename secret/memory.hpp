// Memory that keys live in: locked, so that none is ever swapped out; left out of core dumps; wiped when it is given
// back. Whoever has a key, or a text with one in it, has it here. docs/decisions/0023-key-memory.md says what is kept
// here, and what no such memory can reach.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <string>
#include <vector>

namespace strata::secret {

// What an allocation begins at: a cache line.
inline constexpr std::size_t kAlignment = 64;

// At least so many octets, all zero. Throws std::bad_alloc when the system has no more.
void* allocate(std::size_t size);

// size: as it was asked for. nullptr is nothing.
void deallocate(void* memory, std::size_t size) noexcept;

// What the system was asked for until now, in octets.
struct Usage {
  std::size_t mapped = 0;
  std::size_t unlocked = 0;  // of these; they may be swapped out
  int error = 0;             // why the last of them was not locked: an errno of mlock2(2)
};
Usage usage();

// For the containers of C++.
template <class T>
struct Allocator {
  using value_type = T;
  static_assert(alignof(T) <= kAlignment);

  Allocator() = default;
  template <class Other>
  Allocator(const Allocator<Other>&) {}

  T* allocate(std::size_t count) { return static_cast<T*>(secret::allocate(count * sizeof(T))); }
  void deallocate(T* at, std::size_t count) noexcept { secret::deallocate(at, count * sizeof(T)); }

  bool operator==(const Allocator&) const = default;
};

// A text shorter than 16 octets lies in the string itself, wherever that is: too short for a key.
using Text = std::basic_string<char, std::char_traits<char>, Allocator<char>>;
using Octets = std::vector<std::uint8_t, Allocator<std::uint8_t>>;

class Resource final : public std::pmr::memory_resource {
 private:
  void* do_allocate(std::size_t size, std::size_t alignment) override;
  void do_deallocate(void* memory, std::size_t size, std::size_t alignment) override;
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
};

}  // namespace strata::secret
