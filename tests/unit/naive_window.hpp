// Anti-replay as RFC 4303 words it, slowly: what the real window is held against.
#pragma once

#include <algorithm>
#include <cstdint>
#include <set>

#include "dataplane/ipsec/replay_window.hpp"

namespace strata::test {

// RFC 4303 section 3.4.3: a set of the numbers that were accepted, and the highest of them.
class NaiveWindow {
 public:
  explicit NaiveWindow(std::uint64_t size) : size_(size) {}

  Freshness check(std::uint64_t sequence) const {
    if (size_ == 0 || sequence > top_) return Freshness::fresh;
    if (top_ - sequence >= size_) return Freshness::too_old;
    return accepted_.contains(sequence) ? Freshness::replayed : Freshness::fresh;
  }
  void accept(std::uint64_t sequence) {
    accepted_.insert(sequence);
    top_ = std::max(top_, sequence);
    if (top_ >= size_) accepted_.erase(accepted_.begin(), accepted_.lower_bound(top_ - size_));
  }
  std::uint64_t top() const { return top_; }
  std::uint64_t size() const { return size_; }

 private:
  std::uint64_t size_;
  std::uint64_t top_ = 0;
  std::set<std::uint64_t> accepted_;
};

// RFC 4303 appendix A2.1 as it is printed, with its names. There is no epoch before 0: a number that case B puts there
// is taken to lie ahead in epoch 0, and its ICV then says whether it does. W is not 0.
inline std::uint64_t appendix_a2_1(std::uint64_t top, std::uint32_t W, std::uint32_t Seql) {
  const auto Tl = static_cast<std::uint32_t>(top);
  const auto Th = static_cast<std::uint32_t>(top >> 32);
  const std::uint32_t Bl = Tl - W + 1;  // modulo 2^32
  std::uint32_t Seqh;
  if (Tl >= W - 1) {
    Seqh = Seql >= Bl ? Th : Th + 1;  // case A
  } else {
    Seqh = Seql >= Bl && Th != 0 ? Th - 1 : Th;  // case B
  }
  return (std::uint64_t{Seqh} << 32) | Seql;
}

}  // namespace strata::test
