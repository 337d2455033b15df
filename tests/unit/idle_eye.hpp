// Looks without looking: what is not a NoEye has the worker go step by step.
#pragma once

#include "dataplane/packet/burst.hpp"

namespace strata::test {

struct IdleEye {
  template <class... Stages>
  void after(const char*, const Burst<Stages>&...) {}
};

}  // namespace strata::test
