// Causes as a type: which of them somebody may name.
#pragma once

#include "dataplane/drop/cause.hpp"

namespace strata {

// A cause out of a stage's own list. Made of a literal only, so that a cause the list does not name does not compile.
template <Cause... Listed>
class CauseOf {
 public:
  consteval CauseOf(Cause cause) : cause_(cause) {  // NOLINT(google-explicit-constructor): the literal is the cause
    if (!((cause == Listed) || ...)) throw "this cause is not in the stage's list";
  }
  constexpr Cause value() const { return cause_; }

 private:
  Cause cause_;
};

// For what an ICMP error may answer a packet.
using RefusedCause = CauseOf<Cause::ip4_no_route, Cause::ip4_ttl_exceeded, Cause::ip4_too_big, Cause::adj_unresolved,
                             Cause::local_no_port, Cause::local_no_protocol>;

}  // namespace strata
