// By what a state file knows a key without having it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <tl/expected.hpp>

namespace strata {

// Drawn at random for each state file: what is in two of them cannot be compared, nor looked up in a table.
using StateSalt = std::array<std::uint8_t, 32>;

// Errors: the kernel has no random numbers.
tl::expected<StateSalt, std::string> new_salt();

using KeyTag = std::array<std::uint8_t, 16>;

// HMAC-SHA-256 under the file's salt, the first half of it. key: the cipher's key and its salt; it alone decides, since
// a nonce that comes again under the same key is as bad with another SPI.
KeyTag tag_of(const StateSalt& salt, std::span<const std::uint8_t> key);

// A tag is random already.
struct HashOfTag {
  std::size_t operator()(const KeyTag& tag) const {
    std::size_t hash = 0;
    std::memcpy(&hash, tag.data(), sizeof hash);
    return hash;
  }
};

}  // namespace strata
