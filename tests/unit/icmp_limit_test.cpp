// The token bucket of ICMP errors (RFC 1812 section 4.3.2.8).
#include <gtest/gtest.h>

#include "dataplane/stage/icmp_error.hpp"

namespace strata {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kYear = 365 * 24 * 3600 * kSecond;
constexpr std::uint32_t kMost = UINT32_MAX;

// How many of `tries` are allowed at one moment.
std::uint64_t allowed(IcmpLimit& limit, std::uint64_t now, std::uint64_t tries) {
  std::uint64_t n = 0;
  for (std::uint64_t i = 0; i < tries; ++i) n += limit.allow(now) ? 1 : 0;
  return n;
}

TEST(IcmpLimit, BeginsFull) {
  for (const std::uint64_t now : {std::uint64_t{0}, std::uint64_t{1}, kSecond, kYear}) {
    IcmpLimit limit({.errors_per_second = 1000, .burst = 50});
    EXPECT_EQ(allowed(limit, now, 200), 50u) << now;
  }
}

TEST(IcmpLimit, OneMoreEachPeriodAndNotANanosecondEarlier) {
  IcmpLimit limit({.errors_per_second = 1000, .burst = 50});
  const std::uint64_t start = 5 * kSecond;
  EXPECT_EQ(allowed(limit, start, 100), 50u);
  for (std::uint64_t i = 1; i <= 10; ++i) {
    EXPECT_FALSE(limit.allow(start + i * 1'000'000 - 1)) << i;
    EXPECT_TRUE(limit.allow(start + i * 1'000'000)) << i;
    EXPECT_FALSE(limit.allow(start + i * 1'000'000)) << i;
  }
}

// A rate that divides no second: what is left of a token is not lost, however often somebody asks.
TEST(IcmpLimit, PartsOfATokenAddUp) {
  IcmpLimit limit({.errors_per_second = 3, .burst = 2});
  EXPECT_EQ(allowed(limit, 0, 3), 2u);
  EXPECT_FALSE(limit.allow(100'000'000));
  EXPECT_FALSE(limit.allow(333'333'333));
  EXPECT_TRUE(limit.allow(333'333'334));
  // 2 of the 3 billionths that this nanosecond brought are still there.
  EXPECT_FALSE(limit.allow(666'666'666));
  EXPECT_TRUE(limit.allow(666'666'667));
  EXPECT_TRUE(limit.allow(kSecond));
}

TEST(IcmpLimit, InTheLongRunTheRateAndNoMore) {
  for (const std::uint32_t rate : {1U, 7U, 1000U, 99'999U})
    for (const std::uint64_t step : {std::uint64_t{1'000}, std::uint64_t{12'345}, std::uint64_t{999'999}}) {
      IcmpLimit limit({.errors_per_second = rate, .burst = 50});
      std::uint64_t sent = 0;
      for (std::uint64_t now = 0; now <= kSecond; now += step) sent += limit.allow(now) ? 1 : 0;
      const std::uint64_t offered = kSecond / step + 1;
      EXPECT_LE(sent, 50 + rate) << rate << " " << step;
      EXPECT_GE(sent, std::min<std::uint64_t>(offered, 50 + rate - 1)) << rate << " " << step;
    }
}

// No more than `burst` however long nobody asked; and no product that is too large on the way there.
TEST(IcmpLimit, IdleForYears) {
  for (const std::uint32_t rate : {1U, 1000U, kMost})
    for (const std::uint32_t burst : {1U, 50U, 1000U})
      for (const std::uint64_t idle : {kYear, 100 * kYear, 500 * kYear, UINT64_MAX - 1}) {
        IcmpLimit limit({.errors_per_second = rate, .burst = burst});
        EXPECT_EQ(allowed(limit, 1, burst + 1), burst);
        EXPECT_EQ(allowed(limit, 1 + idle, burst + 100), burst) << rate << " " << burst << " " << idle;
      }
}

// Short of full by one nanosecond, at the largest numbers there are.
TEST(IcmpLimit, TheLargestNumbers) {
  IcmpLimit limit({.errors_per_second = kMost, .burst = kMost});
  EXPECT_EQ(allowed(limit, 0, 1000), 1000u);
  EXPECT_EQ(allowed(limit, kSecond - 1, 1000), 1000u);
  IcmpLimit slow({.errors_per_second = 1, .burst = kMost});
  EXPECT_EQ(allowed(slow, 0, 1000), 1000u);
  EXPECT_EQ(allowed(slow, UINT64_MAX, 1000), 1000u);
}

TEST(IcmpLimit, RateNullSendsNone) {
  IcmpLimit limit({.errors_per_second = 0, .burst = 50});
  for (const std::uint64_t now : {std::uint64_t{0}, std::uint64_t{1}, kSecond, kYear, UINT64_MAX})
    EXPECT_FALSE(limit.allow(now)) << now;
}

// Turns of one worker read the clock anew, never an earlier one; still none is made of nothing.
TEST(IcmpLimit, AClockThatStandsOrGoesBackBringsNothing) {
  IcmpLimit limit({.errors_per_second = 1000, .burst = 2});
  EXPECT_EQ(allowed(limit, kSecond, 10), 2u);
  EXPECT_EQ(allowed(limit, kSecond, 10), 0u);
  EXPECT_EQ(allowed(limit, kSecond - 1, 10), 0u);
  EXPECT_EQ(allowed(limit, 0, 10), 0u);
  EXPECT_EQ(allowed(limit, kSecond + 1'000'000, 10), 1u);
}

}  // namespace
}  // namespace strata
