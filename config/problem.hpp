// A mistake in a configuration file, and the words for it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"

namespace strata::config {

// What stands in an error instead of anything that could be a key.
inline constexpr std::string_view kNotShown = "(not shown)";

struct Problem {
  Mark mark;            // 0:0 when the file could not be read at all
  std::string field;    // ports.wan.addresses[0]; empty when it is about the file
  std::string found;    // empty when there is nothing to show
  std::string message;  // what is allowed
};

// "gateway.yaml:12:10: ipsec.security_associations[0].spi: found 200; allowed: 256..4294967295 (...)"
std::string to_string(const Problem& problem, std::string_view file);

// Text from the file as it may stand in an error: short, printable, and not shown at all when it looks like a key.
std::string shown(std::string_view text);

// A key in a place where none belongs, such as a name: it is refused there, and never shown.
bool looks_like_key(std::string_view text);

// ASCII's: a NUL would end a C string early, the others hide what a name is.
bool has_control_character(std::string_view text);

// The candidate that a person most likely meant (Damerau-Levenshtein distance); empty when none is near.
std::string_view nearest(std::string_view text, std::span<const std::string_view> candidates);

// "did you mean 'wan'? " or nothing; a beginning for a message.
std::string did_you_mean(std::string_view text, std::span<const std::string_view> candidates);

std::string join(std::span<const std::string_view> words, std::string_view separator = ", ");

}  // namespace strata::config
