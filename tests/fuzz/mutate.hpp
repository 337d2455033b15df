// Changes scripts the way that packets are built: fields to values that mean something, headers put in and taken out,
// and, part of the time, lengths and checksums made right again.
#pragma once

#include <cstddef>
#include <span>

#include "tests/fuzz/script.hpp"

namespace strata::fuzz {

// In place; the first `size` octets are the script. Returns the octets of the new one.
std::size_t mutate(std::span<std::uint8_t> input, std::size_t size, unsigned seed);

// Steps of one and of the other.
std::size_t cross(Bytes one, Bytes other, std::span<std::uint8_t> out, unsigned seed);

}  // namespace strata::fuzz
