// What arrives at a gateway: a script's frames as they come off the wire, and what of it the judge has to know.
#pragma once

#include <vector>

#include "config/config.hpp"
#include "tests/fuzz/script.hpp"

namespace strata::fuzz {

struct Arriving {
  Octets frame;
  bool chained;  // in two buffers
};

// One receive burst.
struct Turn {
  std::size_t port;
  std::uint64_t pause_ns;  // since the one before
  bool scarce;             // no buffer is left beside those of its frames
  std::vector<Arriving> frames;
};

// Octets that have come to the gateway, and on which side of the IPsec boundary (RFC 4301 section 3.1) they count.
struct Known {
  config::Side side;
  bool of_kernel;  // the port that it came by leads to the machine's own kernel
  Octets octets;
};

struct Arrivals {
  std::vector<Turn> turns;
  std::vector<Known> known;  // each frame whole, and the text of each ESP packet
};

// A sealed step's octets:  number 1 | how 1 | TOS 1 | text ..    Each SA's numbers rise by themselves; `number`,
// signed, is added for this packet.
enum Sealing : std::uint8_t {
  kTrailer = 1,   // the text is followed by the right padding, pad length and next header 41
  kWrongIcv = 2,  // one bit is not as sealed
  kOtherWay = 4,  // in UDP where it should be plain, and the other way around
  kFarAhead = 8,  // the number is 2^32 - 8 further on: with ESN the high half changes soon
};

// allowed_ports: bit i: of the i-th port; a frame for another one comes by the next one that is allowed.
Arrivals arrivals_of(const Script& script, const config::Config& config, std::uint32_t allowed_ports);

}  // namespace strata::fuzz
