// No field of a row has a default: whoever makes one says each, and none() in so many letters.
// error: could not convert .*Row<strata::stage::Ip4>|no (default|matching) constructor
#include "dataplane/packet/stage.hpp"
#include "tests/must_not_compile/twin.hpp"

using namespace strata;

Row<stage::TWIN(Arp, Ip4)> row_of(Origin from) { return {.from = from}; }
