// Which security associations have the same key.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "config/config.hpp"

namespace strata::config {

// A key where it lives: it is looked at there and copied nowhere.
struct KeyUse {
  std::span<const std::uint8_t> key;
  Direction direction = Direction::in;
  std::uint32_t spi = 0;  // 0: it was not understood
};

// Places (late, first), first < late, of uses that share a key of which at least one seals: two counters of nonces with
// one key would repeat nonces (RFC 4106 section 3.1, RFC 7634 section 2). Or that open with one SPI: a packet is
// authentic by key and SPI alone, and whoever sends it on to the other address has it taken by the other window as well
// (RFC 4303 section 3.4.3). Each `late` is in one pair, and they are in order. Others that open may share. O(n log n).
std::vector<std::pair<std::size_t, std::size_t>> find_reused_keys(std::span<const KeyUse> uses);

}  // namespace strata::config
