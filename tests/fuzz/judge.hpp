// Judges what a gateway has sent, by the RFCs and by what had come to it. Nothing here asks strata's own code.
#pragma once

#include "tests/fuzz/arrivals.hpp"
#include "tests/fuzz/player.hpp"

namespace strata::fuzz {

// Fails, saying why, where
// - a frame is no ARP packet of the port's own and no whole IPv4 packet with a right checksum that fits the link;
// - an ESP packet of an SA does not open with its key, its number is not the next one, or what is inside is not IPv6
//   with the policy's segments, lengths and an IPv4 packet that had come to the protected side;
// - the SAs' counters are not what left;
// - a packet in clear is none of this gateway's own and none that had come on the same side, TTL and ECN apart, and
//   that no bypass rule and no SID with `clear: true` lets through.
void judge(const config::Config& config, const Arrivals& arrivals, const Outcome& outcome);

}  // namespace strata::fuzz
