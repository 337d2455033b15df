// Rates are of a second, however long the last look is ago.
#include "control/show/cause_rates.hpp"

#include <gtest/gtest.h>

#include "tests/unit/crew.hpp"

namespace strata {
namespace {

using namespace std::chrono_literals;

TEST(CauseRates, OfASecond) {
  EXPECT_EQ(per_second(3000, 3s), 1000u);
  EXPECT_EQ(per_second(3000, 1s), 3000u);
  EXPECT_EQ(per_second(2999, 3s), 1000u) << "rounded";
  EXPECT_EQ(per_second(1, 10s), 1u) << "what comes is not nothing";
  EXPECT_EQ(per_second(0, 1s), 0u);
  EXPECT_EQ(per_second(7, 0s), 7u);
}

TEST(CauseRates, ALookThatIsLateTellsNoMore) {
  test::Crew crew(test::config_of(R"(
ports:
  wan: {device: a, mac: "02:00:00:00:01:01", addresses: [192.0.2.1/24], side: unprotected}
)"),
                  1);
  CauseRates rates;
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(crew.feed(0, test::Octets(60)));
  crew.settle();
  rates.look(crew.set(), 4s);
  EXPECT_EQ(rates.rate(Cause::eth_other_host), 10u);
  EXPECT_EQ(rates.total(Cause::eth_other_host), 40u);
  rates.look(crew.set(), 1s);
  EXPECT_EQ(rates.rate(Cause::eth_other_host), 0u);
  crew.finish();
}

}  // namespace
}  // namespace strata
