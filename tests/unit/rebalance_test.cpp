// Which SAs go where, when one worker has much more to do than another.
#include "control/rebalance.hpp"

#include <gtest/gtest.h>

namespace strata {
namespace {

constexpr WorkerId kFirst{0};
constexpr WorkerId kSecond{1};
constexpr Relief kRelief{kFirst, kSecond};

SaLoad inbound(std::uint32_t index, WorkerId owner, std::uint64_t load) {
  return {{SaRef::Direction::in, index}, owner, load};
}

std::vector<std::uint32_t> indices(const std::vector<SaRef>& sas) {
  std::vector<std::uint32_t> all;
  for (const SaRef sa : sas) all.push_back(sa.index);
  return all;
}

TEST(Rebalance, NobodyIsRelievedWhereAllAreAlikeOrIdle) {
  EXPECT_FALSE(relief_of({0.9, 0.8, 0.7}));
  EXPECT_FALSE(relief_of({0.4, 0.0}));
  EXPECT_FALSE(relief_of({1.0}));
}

TEST(Rebalance, TheBusiestIsRelievedByTheIdlest) {
  const auto relief = relief_of({0.5, 0.3, 0.9, 0.1});
  ASSERT_TRUE(relief);
  EXPECT_EQ(relief->from, WorkerId(2));
  EXPECT_EQ(relief->to, WorkerId(3));
}

// 1.0 to 0.0: half of the load goes.
TEST(Rebalance, HalfOfTheDifferenceGoes) {
  const std::vector<SaLoad> sas{inbound(0, kFirst, 10), inbound(1, kFirst, 10), inbound(2, kFirst, 10),
                                inbound(3, kFirst, 10)};
  EXPECT_EQ(indices(sas_to_move({1.0, 0.0}, kRelief, sas)), (std::vector<std::uint32_t>{0, 1}));
  EXPECT_EQ(indices(sas_to_move({1.0, 0.5}, kRelief, sas)), (std::vector<std::uint32_t>{0}));
}

TEST(Rebalance, TheLargestThatFitGoFirst) {
  const std::vector<SaLoad> sas{inbound(0, kFirst, 5), inbound(1, kFirst, 30), inbound(2, kFirst, 60),
                                inbound(3, kFirst, 5)};
  EXPECT_EQ(indices(sas_to_move({1.0, 0.0}, kRelief, sas)), (std::vector<std::uint32_t>{1, 0, 3}));
}

TEST(Rebalance, OneThatIsAllTheLoadStays) {
  EXPECT_TRUE(sas_to_move({1.0, 0.0}, kRelief, {inbound(0, kFirst, 100)}).empty());
}

TEST(Rebalance, TheIdleOnesAndThoseOfOthersStay) {
  const std::vector<SaLoad> sas{inbound(0, kSecond, 10), inbound(1, kFirst, 0), inbound(2, kFirst, 10),
                                inbound(3, kFirst, 10)};
  EXPECT_EQ(indices(sas_to_move({1.0, 0.0}, kRelief, sas)), (std::vector<std::uint32_t>{2}));
}

}  // namespace
}  // namespace strata
