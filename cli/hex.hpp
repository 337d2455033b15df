// The octets of an answer of the control socket.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace strata::cli {

inline std::vector<std::uint8_t> octets_of(const std::string& hex) {
  const auto nibble = [](char digit) {
    return static_cast<std::uint8_t>(digit <= '9' ? digit - '0' : digit - 'a' + 10);
  };
  std::vector<std::uint8_t> octets;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    octets.push_back(static_cast<std::uint8_t>(nibble(hex[i]) << 4 | nibble(hex[i + 1])));
  return octets;
}

}  // namespace strata::cli
