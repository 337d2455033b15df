// The targets that play scripts to a whole gateway; each says what traffic it is about.
#pragma once

#include <cstdint>

namespace strata::fuzz {

struct Traffic {
  std::uint32_t ports;  // by bit, in the order of gateway.yaml: wan, lan, lan2, host
  bool has_key;         // the script's sealed steps are played; without, no SA may ever open anything
};

inline constexpr std::uint32_t kWan = 1;
inline constexpr std::uint32_t kLan = 2;
inline constexpr std::uint32_t kLan2 = 4;
inline constexpr std::uint32_t kKernel = 8;

// Of the target that is linked.
extern const Traffic kTraffic;

}  // namespace strata::fuzz
