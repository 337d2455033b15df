// What an input of the journey's targets says: which frames come to which ports of which gateway, and when.
//
//   | gateway 1 | step | step | ...      step:  kind 1 | port or SA 1 | pause 1 | cut 1 | manner 1 | length 2 | octets
//
// Every sequence of octets is some script: a number that is too large counts from the beginning again, and a length
// that is too large means the rest. So libFuzzer may change whatever it likes.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tests/unit/hex.hpp"

namespace strata::fuzz {

using test::Octets;
using Bytes = std::span<const std::uint8_t>;

enum class Kind : std::uint8_t {
  frame,   // the octets are an Ethernet frame
  sealed,  // the octets are what `Sealing` (sealing.hpp) makes an ESP packet of
  count_,
};

// Bits of how a step's frame comes.
enum Manner : std::uint8_t {
  kReversed = 1,     // of its fragments the last one first
  kDoubled = 2,      // the first fragment twice
  kOverlapping = 4,  // each fragment begins 8 octets early
  kIncomplete = 8,   // the last fragment is lost
  kScarce = 16,      // no buffers are left for what is to be made of it
  kChained = 32,     // in a chain of two buffers, as drivers deliver jumbo frames
  kTogether = 64,    // in one burst with the step before, if that was the same port's
};

struct Step {
  Kind kind = Kind::frame;
  std::uint8_t place = 0;   // of the port, or of the inbound SA
  std::uint8_t pause = 0;   // before it: of kPauses
  std::uint8_t cut = 0;     // in units of 8 octets: what each fragment of its outer IPv4 packet carries; 0: it is whole
  std::uint8_t manner = 0;  // Manner bits
  Octets octets;
};

struct Script {
  std::uint8_t gateway = 0;
  std::vector<Step> steps;
};

inline constexpr std::size_t kMostSteps = 48;
inline constexpr std::size_t kStepHeader = 7;

// Nanoseconds: from nothing to what path MTUs are believed for (RFC 1191 section 6.3).
inline constexpr std::uint64_t kPauses[] = {0,           1'000,         10'000'000,     150'000'000,
                                            600'000'000, 6'000'000'000, 70'000'000'000, 601'000'000'000};

Script script_of(Bytes input);
Octets input_of(const Script& script);

}  // namespace strata::fuzz
