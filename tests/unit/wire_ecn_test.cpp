#include "dataplane/wire/ecn.hpp"

#include <gtest/gtest.h>

namespace strata::wire {
namespace {

// RFC 6040 figure 4, row by row as printed: inner, then outer Not-ECT, ECT(0), ECT(1), CE.
TEST(WireEcn, Duty72_AllSixteenCombinations) {
  using enum Ecn;
  const struct {
    Ecn inner, outer;
    bool drop;
    Ecn result;
    bool anomalous;
  } cases[] = {
      {not_ect, not_ect, false, not_ect, false},
      {not_ect, ect0, false, not_ect, true},
      {not_ect, ect1, false, not_ect, true},
      {not_ect, ce, true, not_ect, true},
      {ect0, not_ect, false, ect0, false},
      {ect0, ect0, false, ect0, false},
      {ect0, ect1, false, ect1, false},
      {ect0, ce, false, ce, false},
      {ect1, not_ect, false, ect1, false},
      {ect1, ect0, false, ect1, true},
      {ect1, ect1, false, ect1, false},
      {ect1, ce, false, ce, false},
      {ce, not_ect, false, ce, false},
      {ce, ect0, false, ce, false},
      {ce, ect1, false, ce, true},
      {ce, ce, false, ce, false},
  };
  for (const auto& c : cases) {
    const EcnDecap d = ecn_decapsulate(c.outer, c.inner);
    const int inner = static_cast<int>(c.inner);
    const int outer = static_cast<int>(c.outer);
    EXPECT_EQ(d.drop, c.drop) << inner << ' ' << outer;
    EXPECT_EQ(d.anomalous, c.anomalous) << inner << ' ' << outer;
    EXPECT_TRUE(c.drop || d.result == c.result) << inner << ' ' << outer;
  }
}

TEST(WireEcn, WireValuesAreThoseOfRfc3168) {
  static_assert(static_cast<int>(Ecn::ect1) == 1 && static_cast<int>(Ecn::ect0) == 2 && static_cast<int>(Ecn::ce) == 3);
  static_assert(ecn_decapsulate(Ecn::ce, Ecn::not_ect).drop);
}

}  // namespace
}  // namespace strata::wire
