// What another configuration would change of the one that is in force.
#pragma once

#include <string>
#include <vector>

#include "config/config.hpp"
#include "config/problem.hpp"

namespace strata::config {

struct Change {
  enum class Kind : std::uint8_t { added, removed, changed } kind;
  std::string what;  // "ipsec.security_associations from-b", "icmp.burst"
  std::string how;   // changed: "udp_encap.source_port 4500 -> 4501"; keys are not in it
};

struct Difference {
  std::vector<Change> changes;  // in the order of the configuration's sections
  // Of these, what no running gateway can bring about, by the place in the file that asks for it.
  std::vector<Problem> refused;
};

Difference difference(const Config& before, const Config& after);

// The same SA, with its window or its numbers: it may go by another name, or do a little else than before.
bool is_same_sa(const SecurityAssociation& a, const SecurityAssociation& b);

// "+ srv6.policies to-c", "~ icmp.burst: 50 -> 60".
std::string to_string(const Change& change);

}  // namespace strata::config
