#include <gtest/gtest.h>

#include <limits>

#include "dataplane/ipsec/replay_window.hpp"
#include "tests/unit/dataplane_env.hpp"
#include "tests/unit/naive_window.hpp"

namespace strata {
namespace {

using test::appendix_a2_1;
using test::NaiveWindow;
using test::pick;
using test::Random;
using test::rounds;

// Numbers where a ring of blocks could go wrong: around the window's edges, the blocks' and the ring's.
// steady: seldom a jump, so that the window fills.
std::uint64_t next_sequence(Random& random, std::uint64_t top, std::uint64_t size, std::uint64_t last, bool steady) {
  const std::uint64_t ring = std::bit_ceil(size / 64 + 2) * 64;
  const auto back = [top](std::uint64_t by) { return top > by ? top - by : 0; };
  if (steady && pick(random, size) != 0) return pick(random, 3) == 0 ? top + 1 : back(pick(random, size + 2));
  switch (pick(random, 16)) {
    case 0:
    case 1:
    case 2: return top + 1;
    case 3: return top + 1 + pick(random, 8);
    case 4: return back(pick(random, size));
    case 5: return back(pick(random, size + 130));
    case 6: return back(size - 2 + pick(random, 4));
    case 7: return top + size - 1 + pick(random, 3);
    case 8: return (top | 63) + pick(random, 3);
    case 9: return back(top & 63) + pick(random, 2);
    case 10: return top + 64 * pick(random, 2 * size / 64 + 3);
    case 11: return top + ring - 2 + pick(random, 4);
    case 12: return back(ring - 2 + pick(random, 4));
    case 13: return last;
    case 14: return pick(random, 4) == 0 ? top + (std::uint64_t{1} << 31) + pick(random, std::uint64_t{1} << 33) : top;
    default: return pick(random, 32) == 0 ? pick(random, 3) : top + pick(random, size);
  }
}

class WindowOfSize : public testing::TestWithParam<std::uint32_t> {};
INSTANTIATE_TEST_SUITE_P(Sizes, WindowOfSize, testing::Values(64, 100, 1024, 4096));

TEST_P(WindowOfSize, Duty06_TenMillionNumbersAsTheNaiveModelSays) {
  const std::uint32_t size = GetParam();
  constexpr std::uint64_t kRuns = 26;
  Random random(size);
  for (std::uint64_t run = 0; run < kRuns; ++run) {
    ReplayWindow window(size);
    NaiveWindow naive(size);
    std::uint64_t last = 0;
    for (std::uint64_t i = 0; i < rounds(2'600'000) / kRuns; ++i) {
      const std::uint64_t sequence = next_sequence(random, naive.top(), size, last, run % 2 == 0);
      const Freshness expected = naive.check(sequence);
      ASSERT_EQ(window.check(sequence), expected) << "size " << size << ", top " << naive.top() << ", " << sequence;
      // One in eight is forged: checked, and nothing comes of it.
      if (expected != Freshness::fresh || pick(random, 8) == 0) continue;
      window.accept(sequence);
      naive.accept(sequence);
      last = sequence;
      ASSERT_EQ(window.top(), naive.top());
    }
  }
}

TEST(Window, Duty06_EverySizeFromOne) {
  Random random(6);
  for (std::uint32_t size = 1; size <= ReplayWindow::kMaxSize; size += size < 200 ? 1 : 97) {
    ReplayWindow window(size);
    NaiveWindow naive(size);
    for (int i = 0; i < 2000; ++i) {
      const std::uint64_t sequence = next_sequence(random, naive.top(), size, naive.top(), i % 2 == 0);
      ASSERT_EQ(window.check(sequence), naive.check(sequence)) << size << ' ' << naive.top() << ' ' << sequence;
      if (naive.check(sequence) != Freshness::fresh) continue;
      window.accept(sequence);
      naive.accept(sequence);
    }
  }
}

TEST_P(WindowOfSize, Duty06_JumpsLeaveNothingOfTheOldBitmap) {
  const std::uint64_t size = GetParam();
  const std::uint64_t ring = std::bit_ceil(size / 64 + 2) * 64;
  for (const std::uint64_t start : {size, size + 63, std::uint64_t{0xffffffc0}, std::uint64_t{0x1'0000'003f}})
    for (const std::uint64_t jump : {std::uint64_t{63}, std::uint64_t{64}, std::uint64_t{65}, size - 1, size, size + 1,
                                     ring - 64, ring - 1, ring, ring + 1, (std::uint64_t{1} << 31) + 1}) {
      ReplayWindow window(GetParam());
      for (std::uint64_t s = start - size + 1; s <= start; ++s) window.accept(s);
      const std::uint64_t top = start + jump;
      window.accept(top);
      for (std::uint64_t s = top - size - 65; s <= top; ++s) {
        const Freshness expected = top - s >= size          ? Freshness::too_old
                                   : s <= start || s == top ? Freshness::replayed
                                                            : Freshness::fresh;
        ASSERT_EQ(window.check(s), expected) << start << " + " << jump << ": " << s;
      }
    }
}

TEST_P(WindowOfSize, Duty05_BegunBehindANumberItIsOneThatHasReceivedAllUpToIt) {
  const std::uint64_t size = GetParam();
  const std::uint64_t ring = std::bit_ceil(size / 64 + 2) * 64;
  Random random(GetParam());
  for (const std::uint64_t top :
       {std::uint64_t{1}, std::uint64_t{63}, std::uint64_t{64}, std::uint64_t{65}, size - 1, size, ring - 1, ring,
        ring + 1, std::uint64_t{0xffffffff}, std::uint64_t{0x1'0000'003f}}) {
    ReplayWindow window(GetParam(), top);
    NaiveWindow naive(size);
    for (std::uint64_t s = top > size ? top - size + 1 : 0; s <= top; ++s) naive.accept(s);
    for (unsigned i = 0; i < 4000; ++i) {
      const std::uint64_t s = i < 2 * ring ? top + ring - std::min(i, static_cast<unsigned>(top + ring))
                                           : next_sequence(random, naive.top(), size, top, true);
      ASSERT_EQ(window.check(s), naive.check(s)) << "top " << top << ": " << s;
      if (i < 2 * ring || naive.check(s) != Freshness::fresh) continue;
      window.accept(s);
      naive.accept(s);
    }
  }
}

TEST(Window, Duty04_AForgedNumberDoesNotMoveIt) {
  ReplayWindow window(64);
  window.accept(10);
  EXPECT_EQ(window.check(1'000'010), Freshness::fresh);
  EXPECT_EQ(window.top(), 10u);
  EXPECT_EQ(window.check(11), Freshness::fresh);
  EXPECT_EQ(window.check(10), Freshness::replayed);
}

TEST(Window, Duty05_ADuplicateIsRefusedForAsLongAsItLiesInTheWindow) {
  ReplayWindow window(64);
  window.accept(100);
  for (std::uint64_t top = 101; top < 164; ++top) {
    window.accept(top);
    EXPECT_EQ(window.check(100), Freshness::replayed) << top;
  }
  window.accept(164);
  EXPECT_EQ(window.check(100), Freshness::too_old);
}

TEST(Window, OffTakesAllAndKeepsTheTop) {
  ReplayWindow window(0);
  for (const std::uint64_t s : {std::uint64_t{0}, std::uint64_t{7}, std::uint64_t{7}, std::uint64_t{3}}) {
    EXPECT_EQ(window.check(s), Freshness::fresh);
    window.accept(s);
  }
  EXPECT_EQ(window.top(), 7u);
  EXPECT_EQ(window.size(), 0u);
}

// Against counting with check(): what is fresh within the window has not arrived.
TEST(Window, FilledIsWhatHasArrivedInIt) {
  Random random(9);
  for (const std::uint32_t size : {1U, 63U, 64U, 65U, 1000U, 4096U}) {
    ReplayWindow window(size);
    EXPECT_EQ(window.filled(), 0U);
    EXPECT_EQ(window.covered(), 0U);
    for (unsigned i = 0; i < 300; ++i) {
      const std::uint64_t sequence = window.top() + 1 + pick(random, i % 50 == 0 ? 3 * size : 4);
      window.accept(sequence);
      if (sequence > 2 && window.check(sequence - 1) == Freshness::fresh && i % 3 == 0) window.accept(sequence - 1);
      const std::uint64_t bottom = window.top() > size ? window.top() - size + 1 : 1;
      std::uint32_t arrived = 0;
      for (std::uint64_t s = bottom; s <= window.top(); ++s) arrived += window.check(s) == Freshness::replayed ? 1 : 0;
      ASSERT_EQ(window.filled(), arrived) << size << ' ' << window.top();
      ASSERT_EQ(window.covered(), window.top() - bottom + 1);
    }
  }
  ReplayWindow off(0);
  off.accept(5);
  EXPECT_EQ(off.filled(), 0U);
  EXPECT_EQ(off.covered(), 0U);
}

TEST(Window, EndOfAllNumbers) {
  constexpr std::uint64_t kLast = std::numeric_limits<std::uint64_t>::max();
  ReplayWindow window(4096);
  window.accept(kLast - 1);
  EXPECT_EQ(window.check(kLast), Freshness::fresh);
  window.accept(kLast);
  EXPECT_EQ(window.top(), kLast);
  EXPECT_EQ(window.check(kLast), Freshness::replayed);
  EXPECT_EQ(window.check(kLast - 1), Freshness::replayed);
  EXPECT_EQ(window.check(kLast - 4095), Freshness::fresh);
  EXPECT_EQ(window.check(kLast - 4096), Freshness::too_old);
  EXPECT_EQ(window.check(0), Freshness::too_old);
  EXPECT_EQ(window.filled(), 2U);
}

// --- the high half ---------------------------------------------------------------------------------------------------

// Numbers around k * 2^32, and anywhere.
std::uint64_t near_an_epoch(Random& random, std::uint64_t reach) {
  const std::uint64_t epoch = pick(random, 5) << 32;
  if (pick(random, 4) == 0) return epoch + pick(random, std::uint64_t{1} << 32);
  const std::uint64_t off = pick(random, 2 * reach + 8);
  return epoch + off < reach + 4 ? off : epoch + off - reach - 4;
}

std::uint32_t interesting_low(Random& random, std::uint64_t top, std::uint64_t reach) {
  const std::uint64_t bottom = top - reach + 1;  // may wrap: only its low half is of interest
  switch (pick(random, 5)) {
    case 0: return static_cast<std::uint32_t>(bottom - 3 + pick(random, 7));
    case 1: return static_cast<std::uint32_t>(top - 3 + pick(random, 7));
    case 2: return static_cast<std::uint32_t>(0) - 3 + static_cast<std::uint32_t>(pick(random, 7));
    case 3: return static_cast<std::uint32_t>(bottom + pick(random, reach));
    default: return static_cast<std::uint32_t>(random());
  }
}

TEST(ExtendedSequence, Duty07_AsTheAppendixSays) {
  Random random(7);
  const std::uint32_t sizes[] = {1, 64, 100, 1024, 4096};
  for (std::uint64_t i = 0; i < rounds(4'000'000); ++i) {
    const std::uint32_t size = sizes[i % std::size(sizes)];
    const std::uint64_t top = near_an_epoch(random, size);
    const std::uint32_t low = interesting_low(random, top, size);
    ASSERT_EQ(extended_sequence(top, size, low), appendix_a2_1(top, size, low)) << top << ' ' << size << ' ' << low;
  }
}

TEST(ExtendedSequence, Duty07_InverseOfCuttingTheHighHalfOff) {
  Random random(77);
  for (std::uint64_t i = 0; i < rounds(1'000'000); ++i) {
    const std::uint32_t size = i % 2 == 0 ? 64 : 4096;
    const std::uint64_t top = (std::uint64_t{1} << 32) + near_an_epoch(random, size);
    const std::uint64_t bottom = top - size + 1;
    const std::uint64_t sent = bottom + pick(random, std::uint64_t{1} << 32);
    ASSERT_EQ(extended_sequence(top, size, static_cast<std::uint32_t>(sent)), sent) << top << ' ' << size;
  }
}

// Where a number is said to lie ahead, it is the one that the appendix finds, and fresh; and most do.
TEST(SequenceAhead, Duty07_IsTheExtendedOne) {
  Random random(707);
  const std::uint32_t sizes[] = {0, 1, 64, 100, 1024, 4096};
  std::uint64_t ahead = 0;
  for (std::uint64_t i = 0; i < rounds(2'000'000); ++i) {
    const std::uint32_t size = sizes[i % std::size(sizes)];
    const std::uint64_t top = near_an_epoch(random, std::max(size, 1U));
    const std::uint32_t low = interesting_low(random, top, std::max(size, 1U));
    const std::uint64_t found = sequence_ahead(top, low, true);
    const std::uint64_t extended = extended_sequence(top, size, low);
    if (found == 0) {
      ASSERT_FALSE(extended > top && extended - top < std::uint64_t{1} << 31) << top << ' ' << size << ' ' << low;
      continue;
    }
    ++ahead;
    ASSERT_EQ(found, extended) << top << ' ' << size << ' ' << low;
    ASSERT_GT(found, top);
  }
  EXPECT_GT(ahead, rounds(2'000'000) / 10);
}

TEST(SequenceAhead, Duty07_WithoutEsnNumbersEnd) {
  constexpr std::uint64_t kEpoch = std::uint64_t{1} << 32;
  EXPECT_EQ(sequence_ahead(0, 1, false), 1u);
  EXPECT_EQ(sequence_ahead(7, 7, false), 0u);
  EXPECT_EQ(sequence_ahead(7, 6, false), 0u);
  EXPECT_EQ(sequence_ahead(kEpoch - 2, 0xffff'ffff, false), kEpoch - 1);
  EXPECT_EQ(sequence_ahead(kEpoch - 2, 0, false), 0u);
  EXPECT_EQ(sequence_ahead(kEpoch - 2, 5, false), 0u);
}

// RFC 4303 section 3.3.3: numbers never cycle. Old packets are none that lie ahead.
TEST(SequenceAhead, Duty07_AtTheEndOfAllNumbers) {
  constexpr std::uint64_t kLast = ~std::uint64_t{0};
  EXPECT_EQ(sequence_ahead(kLast - 1, 0xffff'ffff, true), kLast);
  for (const std::uint32_t low : {0U, 1U, 5U, 0x7fff'ffffU}) {
    EXPECT_EQ(sequence_ahead(kLast, low, true), 0u) << low;
    EXPECT_EQ(sequence_ahead(kLast - 3, low, true), 0u) << low;
  }
}

TEST(ExtendedSequence, Duty07_CrossingBothWays) {
  constexpr std::uint64_t kEpoch = std::uint64_t{1} << 32;
  // Forth: the sender has gone on, the receiver has not.
  EXPECT_EQ(extended_sequence(kEpoch - 1, 64, 0), kEpoch);
  EXPECT_EQ(extended_sequence(kEpoch - 64, 64, 5), kEpoch + 5);
  // Back: a late packet of the epoch before.
  EXPECT_EQ(extended_sequence(kEpoch + 5, 64, 0xffff'ffff), kEpoch - 1);
  EXPECT_EQ(extended_sequence(kEpoch + 5, 64, 0xffff'ffff - 57), kEpoch - 58);
  // Left of the window there is nothing: the next epoch.
  EXPECT_EQ(extended_sequence(kEpoch + 5, 64, 0xffff'ffff - 58), 2 * kEpoch - 59);
  EXPECT_EQ(extended_sequence(kEpoch + 63, 64, 0xffff'ffff), 2 * kEpoch - 1);
  EXPECT_EQ(extended_sequence(kEpoch + 63, 64, 0), kEpoch);
}

TEST(ExtendedSequence, Duty07_BeforeEpochZeroThereIsNone) {
  EXPECT_EQ(extended_sequence(0, 64, 1), 1u);
  EXPECT_EQ(extended_sequence(5, 64, 0xffff'ffff), 0xffff'ffffu);
  EXPECT_EQ(extended_sequence(62, 64, 0xffff'ffff), 0xffff'ffffu);
}

TEST(ExtendedSequence, WindowOffTakesTheNearest) {
  constexpr std::uint64_t kEpoch = std::uint64_t{1} << 32;
  const auto distance = [](std::uint64_t a, std::uint64_t b) { return a > b ? a - b : b - a; };
  Random random(70);
  for (std::uint64_t i = 0; i < rounds(1'000'000); ++i) {
    const std::uint64_t top = near_an_epoch(random, kEpoch / 2);
    const std::uint32_t low = interesting_low(random, top, kEpoch / 2);
    const std::uint64_t epoch = top & ~(kEpoch - 1);
    std::uint64_t nearest = epoch | low;
    // At equal distance the one ahead.
    if (distance((epoch + kEpoch) | low, top) <= distance(nearest, top)) nearest = (epoch + kEpoch) | low;
    if (epoch != 0 && distance((epoch - kEpoch) | low, top) < distance(nearest, top)) nearest = (epoch - kEpoch) | low;
    ASSERT_EQ(extended_sequence(top, 0, low), nearest) << top << ' ' << low;
  }
}

}  // namespace
}  // namespace strata
