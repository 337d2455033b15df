// The key to the buffers has its holders by name; it opens nothing for anybody else.
// error: private
#include "dataplane/packet/packet.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;

struct Open {
  static int done() { return 0; }
};

void forge() { (void)TWIN(Open, Access)::done(); }
