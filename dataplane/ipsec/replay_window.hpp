// The anti-replay window (RFC 4303 section 3.4.3), as RFC 6479 does it: a ring of 64-bit blocks that is slid by
// clearing whole blocks, never by shifting; and the high half of an extended sequence number (RFC 4303 appendix A).
//
//   top = 0x143 (323), size = 64, four blocks:   block 4 (256..319) | block 5 (320..383)
//                                                     ^ 260 = top - size + 1     ^ top
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <memory>

#include "dataplane/prefetch.hpp"
#include "dataplane/relaxed.hpp"

namespace strata {

enum class Freshness : std::uint8_t { fresh, replayed, too_old };

class ReplayWindow {
 public:
  static constexpr std::uint32_t kMaxSize = 4096;

  // size: packets, 0: off, up to kMaxSize. Nothing was received yet: top is 0.
  explicit ReplayWindow(std::uint32_t size)
      : size_(size), block_mask_(size == 0 ? 0 : std::bit_ceil(size / 64 + 2) - 1) {
    if (size != 0) blocks_ = std::make_unique<Block[]>(block_mask_ + 1);
  }
  // All up to top was received, or is taken to have been; 0: nothing was.
  ReplayWindow(std::uint32_t size, std::uint64_t top) : ReplayWindow(size) {
    top_ = top;
    if (size == 0 || top == 0) return;
    for (std::uint64_t b = 0; b <= block_mask_; ++b) blocks_[b] = ~std::uint64_t{0};
    blocks_[(top >> 6) & block_mask_] = ~std::uint64_t{0} >> (63 - (top & 63));
  }

  // sequence: all 64 bits. Does not move the window: only an authenticated packet may, by accept().
  Freshness check(std::uint64_t sequence) const {
    const std::uint64_t top = top_;
    if (sequence > top || size_ == 0) return Freshness::fresh;
    if (top - sequence >= size_) return Freshness::too_old;
    // Not blocks_[]: the library would ask for each packet whether there are any, which the size has said.
    const std::uint64_t block = blocks_.get()[(sequence >> 6) & block_mask_];
    return ((block >> (sequence & 63)) & 1) != 0 ? Freshness::replayed : Freshness::fresh;
  }

  // After the ICV was right and check() said fresh.
  void accept(std::uint64_t sequence) {
    if (size_ == 0) {
      if (sequence > top_) top_ = sequence;
      return;
    }
    if (sequence > top_) slide(sequence);
    Block& block = blocks_.get()[(sequence >> 6) & block_mask_];
    block = block | std::uint64_t{1} << (sequence & 63);
  }

  // Asks for what accept() will write.
  void prefetch(std::uint64_t sequence) const {
    if (size_ != 0) prefetch_line(&blocks_[(sequence >> 6) & block_mask_]);
  }

  std::uint64_t top() const { return top_; }
  std::uint32_t size() const { return size_; }

  // How many of the numbers that the window covers now have arrived. From any thread: beside a worker that slides it,
  // about so many.
  std::uint32_t filled() const;

  // How many it covers: fewer than its size at an SA's beginning.
  std::uint32_t covered() const { return static_cast<std::uint32_t>(std::min<std::uint64_t>(top_, size_)); }

 private:
  using Block = Relaxed<std::uint64_t>;

  void slide(std::uint64_t sequence) {
    const std::uint64_t old_block = top_ >> 6;
    const std::uint64_t new_block = sequence >> 6;
    if (new_block != old_block) [[unlikely]]
      clear_blocks(old_block, new_block);
    top_ = sequence;
  }

  void clear_blocks(std::uint64_t old_block, std::uint64_t new_block) {
    const std::uint64_t distance = new_block - old_block;
    const std::uint64_t from = distance > block_mask_ ? new_block - block_mask_ : old_block + 1;
    for (std::uint64_t b = from; b <= new_block; ++b) blocks_[b & block_mask_] = 0;
  }

  Relaxed<std::uint64_t> top_ = 0;  // the highest number accepted; who shows it reads it too
  std::uint32_t size_;
  std::uint32_t block_mask_;  // of a power of two blocks, one more than the window can straddle
  std::unique_ptr<Block[]> blocks_;
};

inline std::uint32_t ReplayWindow::filled() const {
  const std::uint64_t top = top_;
  std::uint32_t count = 0;
  // Its numbers lie in (top - size, top]; 0 is none.
  const std::uint64_t first = top > size_ ? top - size_ + 1 : 1;
  for (std::uint64_t block = first >> 6; size_ != 0 && block <= top >> 6; ++block) {
    std::uint64_t bits = blocks_[block & block_mask_];
    if (block == first >> 6) bits &= ~std::uint64_t{0} << (first & 63);
    if (block == top >> 6) bits &= ~std::uint64_t{0} >> (63 - (top & 63));
    count += static_cast<std::uint32_t>(std::popcount(bits));
  }
  return count;
}

// The number of a packet, all 64 bits, where it lies ahead of all that have arrived by less than 2^31, as that of most
// does; 0 where it does not. It is what extended_sequence() finds, and no window has to be asked. low: the half of it
// that the packet carries; without ESN all of it.
inline std::uint64_t sequence_ahead(std::uint64_t top, std::uint32_t low, bool esn) {
  const std::uint32_t ahead = low - static_cast<std::uint32_t>(top);
  const std::uint64_t sequence = top + ahead;
  const bool is_ahead = ahead >> 31 == 0 && sequence > top;  // not beyond the end of all numbers
  return is_ahead && (esn || sequence >> 32 == 0) ? sequence : 0;
}

// The 64-bit sequence number of which a packet carries the low half (RFC 4303 appendix A2.1): the one that lies in the
// window or, failing that, ahead of it. With the window off it is the one nearest to top.
// Below 2^32 there is no earlier epoch that a number could belong to, so such a number is taken to lie far ahead;
// whether that is so is for the ICV to say, which covers the high half.
inline std::uint64_t extended_sequence(std::uint64_t top, std::uint32_t window, std::uint32_t low) {
  const std::uint64_t reach = window == 0 ? std::uint64_t{1} << 31 : window;
  if (top < reach - 1) return low;
  // A2.1: the first number at or above the window's bottom that has this low half.
  const std::uint64_t bottom = top - (reach - 1);
  const std::uint64_t candidate = (bottom & ~std::uint64_t{0xffffffff}) | low;
  return candidate >= bottom ? candidate : candidate + (std::uint64_t{1} << 32);
}

}  // namespace strata
