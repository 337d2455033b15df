// Which workers go round, by how many rounds they have made.
#include "control/service/pulse.hpp"

#include <gtest/gtest.h>

namespace strata {
namespace {

using Workers = std::vector<unsigned>;

TEST(Pulse, TheFirstLookBlamesNobody) {
  Pulse pulse;
  pulse.look({0, 0});
  EXPECT_TRUE(pulse.all_go_round());
  EXPECT_EQ(pulse.stopped(), Workers());
}

TEST(Pulse, AWorkerThatMadeNoRoundSinceTheLastLookIsNamedOnce) {
  Pulse pulse;
  pulse.look({5, 5, 5});
  pulse.look({6, 5, 9});
  EXPECT_FALSE(pulse.all_go_round());
  EXPECT_EQ(pulse.stopped(), Workers{1});
  pulse.look({7, 5, 10});
  EXPECT_FALSE(pulse.all_go_round());
  EXPECT_EQ(pulse.stopped(), Workers());
  EXPECT_EQ(pulse.resumed(), Workers());
}

TEST(Pulse, AllGoRoundOnlyWhenTheLastOneDoesAgain) {
  Pulse pulse;
  pulse.look({5, 5});
  pulse.look({5, 5});
  EXPECT_EQ(pulse.stopped(), (Workers{0, 1}));
  pulse.look({6, 5});
  EXPECT_EQ(pulse.resumed(), Workers{0});
  EXPECT_FALSE(pulse.all_go_round());
  pulse.look({7, 6});
  EXPECT_EQ(pulse.resumed(), Workers{1});
  EXPECT_TRUE(pulse.all_go_round());
}

TEST(Pulse, AWorkerCanStopAgain) {
  Pulse pulse;
  for (const std::uint64_t round : {1, 1, 2}) pulse.look({round});
  EXPECT_TRUE(pulse.all_go_round());
  pulse.look({2});
  EXPECT_EQ(pulse.stopped(), Workers{0});
  EXPECT_FALSE(pulse.all_go_round());
}

}  // namespace
}  // namespace strata
