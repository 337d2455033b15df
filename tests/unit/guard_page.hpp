// A piece of memory with an unmapped page on both sides: an access one octet too far ends the test.
//
//   | no access | readable and writable ... | no access |
//               ^ at_begin()                ^ where at_end() ends
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>

namespace strata::test {

class GuardedMemory {
 public:
  // capacity: the most octets that at_begin and at_end will be given.
  explicit GuardedMemory(std::size_t capacity) : page_(static_cast<std::size_t>(sysconf(_SC_PAGESIZE))) {
    usable_ = (std::max<std::size_t>(capacity, 1) + page_ - 1) / page_ * page_;
    void* whole = mmap(nullptr, usable_ + 2 * page_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (whole == MAP_FAILED) std::abort();
    begin_ = static_cast<std::uint8_t*>(whole) + page_;
    if (mprotect(begin_, usable_, PROT_READ | PROT_WRITE) != 0) std::abort();
  }
  ~GuardedMemory() { munmap(begin_ - page_, usable_ + 2 * page_); }
  GuardedMemory(const GuardedMemory&) = delete;
  GuardedMemory& operator=(const GuardedMemory&) = delete;

  // A copy whose last octet is the last before the unmapped page.
  std::span<std::uint8_t> at_end(std::span<const std::uint8_t> octets) {
    return place(begin_ + usable_ - octets.size(), octets);
  }

  // A copy whose first octet is the first after the unmapped page.
  std::span<std::uint8_t> at_begin(std::span<const std::uint8_t> octets) { return place(begin_, octets); }

 private:
  std::span<std::uint8_t> place(std::uint8_t* where, std::span<const std::uint8_t> octets) {
    if (octets.size() > usable_) std::abort();
    if (!octets.empty()) std::memcpy(where, octets.data(), octets.size());
    return {where, octets.size()};
  }

  std::size_t page_;
  std::size_t usable_ = 0;
  std::uint8_t* begin_ = nullptr;
};

// Calls use(octets) with each of the first 0, 1, 2, .. all octets, first against the page after, then the page before.
template <class Use>
void at_every_length(std::span<const std::uint8_t> octets, Use use) {
  GuardedMemory memory(octets.size());
  for (std::size_t length = 0; length <= octets.size(); ++length) {
    use(memory.at_end(octets.first(length)));
    use(memory.at_begin(octets.first(length)));
  }
}

}  // namespace strata::test
