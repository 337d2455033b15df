// Octets as they stand in an answer: "0a1b".
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace strata {

inline std::string hex_of(std::span<const std::uint8_t> octets) {
  std::string text;
  text.reserve(2 * octets.size());
  for (const std::uint8_t octet : octets) {
    text += "0123456789abcdef"[octet >> 4];
    text += "0123456789abcdef"[octet & 15];
  }
  return text;
}

}  // namespace strata
