// Keys of security associations: in the configuration ("hex:...") or in a file of their own ("file:PATH").
#pragma once

#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "config/secret.hpp"

namespace strata::config {

// Reads what `key:` says. A relative PATH starts at `folder`. The file must be a regular one (a symbolic link to one
// will do) that belongs to the caller or to root and that nobody else may read or write.
// Errors: a sentence that says what is wrong and what is allowed; it never has any of the key in it.
tl::expected<Secret, std::string> read_key(std::string_view text, const std::string& folder);

// Where key files of this file with relative paths are; empty: in the current folder.
std::string folder_of(const std::string& file);

// Whether `key:` has the key itself, and names no file.
bool is_key_text(std::string_view text);

}  // namespace strata::config
