// Only push, the ends and parking make a Done.
// error: private
#include "dataplane/packet/packet.hpp"
#include "tests/must_not_compile/twin.hpp"

using strata::Done;

struct Own {};

auto forge() { return TWIN(Own, Done)(); }
