// Packets in tests are written as hex, by hand or from an RFC, never by the code under test.
#pragma once

#include <cctype>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace strata::test {

using Octets = std::vector<std::uint8_t>;

// "45 00 0014" -> octets; blanks are for the reader. Anything else than whole octets ends the test run.
inline Octets from_hex(std::string_view text) {
  std::string digits;
  for (const char c : text)
    if (std::isspace(static_cast<unsigned char>(c)) == 0) digits += c;
  Octets octets;
  if (digits.size() % 2 != 0) std::abort();
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    const std::string pair = digits.substr(i, 2);
    char* end = nullptr;
    octets.push_back(static_cast<std::uint8_t>(std::strtoul(pair.c_str(), &end, 16)));
    if (end != pair.c_str() + 2) std::abort();
  }
  return octets;
}

// The parts, one after the other.
template <class... More>
Octets join(Octets first, const More&... more) {
  (first.insert(first.end(), more.begin(), more.end()), ...);
  return first;
}

}  // namespace strata::test
