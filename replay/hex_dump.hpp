// Octets as text: one packet, or two beside each other with what differs marked.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace strata::replay {

/// "00 10 0a"
std::string hex_of(std::span<const std::uint8_t> octets);

/// Rows of 16 octets: "  0010  45 00 ...  E...". Only the first rows of a long packet.
std::string dump(std::span<const std::uint8_t> octets);

/// Rows of both, those that differ as "- 0010 ..." (expected), "+ 0010 ..." (got), and "^^" below each octet that does.
/// Long stretches of equal rows, and what follows many differing ones, are left out.
std::string dump_difference(std::span<const std::uint8_t> expected, std::span<const std::uint8_t> got);

}  // namespace strata::replay
