// Whether a packet that left is one that had come, TTL and ECN apart, whole or in fragments.
#pragma once

#include "tests/fuzz/arrivals.hpp"

namespace strata::fuzz {

class Origins {
 public:
  explicit Origins(const Arrivals& arrivals) : known_(arrivals.known) {}

  // ip: an IPv4 packet of 20 octets and more. From this side came a packet with the same lengths, ID, addresses,
  // options and payload, whose TTL was one more; or one of which this is a fragment (RFC 791 section 3.2); of a TCP SYN
  // the MSS may have been lowered.
  bool has(Bytes ip, config::Side side) const;
  // Whatever it is, with any TTL: from the machine's own kernel.
  bool of_kernel(Bytes ip) const;
  // These octets in one piece.
  bool has_octets(Bytes octets, config::Side side) const;

 private:
  const std::vector<Known>& known_;
};

}  // namespace strata::fuzz
