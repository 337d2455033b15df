#include "secret/memory.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <limits>
#include <map>
#include <mutex>
#include <new>
#include <utility>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#endif
#endif
#ifndef ASAN_POISON_MEMORY_REGION
#define ASAN_POISON_MEMORY_REGION(memory, size) (static_cast<void>(memory), static_cast<void>(size))
#define ASAN_UNPOISON_MEMORY_REGION(memory, size) (static_cast<void>(memory), static_cast<void>(size))
#endif

namespace strata::secret {
namespace {

constexpr std::size_t kSlab = std::size_t{256} << 10;
// In lines. What is larger has pages of its own, which go back to the system.
constexpr std::size_t kLargestInSlab = 1024;

// Nobody has as much; what is larger may wrap where it is made whole lines or pages.
constexpr std::size_t kLargest = std::numeric_limits<std::ptrdiff_t>::max();

std::size_t lines_of(std::size_t size) { return size == 0 ? 1 : (size + kAlignment - 1) / kAlignment; }

std::size_t whole_pages(std::size_t size) {
  static const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return (size + page - 1) / page * page;
}

// Pieces of slabs; one that was given back waits for somebody who wants just as much. Keys are of few sizes.
class Heap {
 public:
  void* take(std::size_t size) {
    if (size > kLargest) throw std::bad_alloc();
    const std::size_t lines = lines_of(size);
    const std::scoped_lock lock(mutex_);
    if (lines > kLargestInSlab) return map(whole_pages(lines * kAlignment));
    if (Free* const found = free_[lines]; found != nullptr) {
      ASAN_UNPOISON_MEMORY_REGION(found, lines * kAlignment);
      free_[lines] = std::exchange(found->next, nullptr);
      return found;
    }
    if (left_ < lines) begin_slab();
    left_ -= lines;
    void* const piece = std::exchange(rest_, rest_ + lines * kAlignment);
    ASAN_UNPOISON_MEMORY_REGION(piece, lines * kAlignment);
    return piece;
  }

  void give_back(void* memory, std::size_t size) {
    const std::size_t lines = lines_of(size);
    explicit_bzero(memory, lines * kAlignment);
    const std::scoped_lock lock(mutex_);
    if (lines > kLargestInSlab)
      unmap(memory, whole_pages(lines * kAlignment));
    else
      keep(memory, lines);
  }

  Usage usage() {
    const std::scoped_lock lock(mutex_);
    return usage_;
  }

 private:
  struct Free {
    Free* next;
  };

  void keep(void* memory, std::size_t lines) {
    free_[lines] = new (memory) Free{free_[lines]};
    ASAN_POISON_MEMORY_REGION(memory, lines * kAlignment);
  }

  void begin_slab() {
    if (left_ != 0) {
      ASAN_UNPOISON_MEMORY_REGION(rest_, left_ * kAlignment);
      keep(rest_, left_);
      left_ = 0;
    }
    rest_ = static_cast<std::uint8_t*>(map(kSlab));
    left_ = kSlab / kAlignment;
    ASAN_POISON_MEMORY_REGION(rest_, kSlab);
  }

  // size: of whole pages.
  void* map(std::size_t size) {
    void* const memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    // It fails on kernels that know no cores, and only there.
    [[maybe_unused]] const int rc = ::madvise(memory, size, MADV_DONTDUMP);
    usage_.mapped += size;
    // Sanitizers make nothing of mlock.
    if (::mlock2(memory, size, 0) != 0) {
      usage_.error = errno;
      usage_.unlocked += size;
      unlocked_.emplace(memory, size);
    }
    return memory;
  }

  void unmap(void* memory, std::size_t size) {
    usage_.mapped -= size;
    if (const auto at = unlocked_.find(memory); at != unlocked_.end()) {
      usage_.unlocked -= at->second;
      unlocked_.erase(at);
    }
    ::munmap(memory, size);
  }

  std::mutex mutex_;
  std::array<Free*, kLargestInSlab + 1> free_{};  // by their lines
  std::uint8_t* rest_ = nullptr;                  // of the last slab
  std::size_t left_ = 0;                          // lines of it
  std::map<void*, std::size_t> unlocked_;
  Usage usage_;
};

// It stays for whatever lives longest.
Heap& heap() {
  static Heap& the_only = *new Heap;
  return the_only;
}

}  // namespace

void* allocate(std::size_t size) { return heap().take(size); }

void deallocate(void* memory, std::size_t size) noexcept {
  if (memory != nullptr) heap().give_back(memory, size);
}

Usage usage() { return heap().usage(); }

void* Resource::do_allocate(std::size_t size, [[maybe_unused]] std::size_t alignment) {
  assert(alignment <= kAlignment);
  return secret::allocate(size);
}

void Resource::do_deallocate(void* memory, std::size_t size, std::size_t) { secret::deallocate(memory, size); }

}  // namespace strata::secret
