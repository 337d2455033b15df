// A configuration file to a Config, whole or not at all.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "config/config.hpp"
#include "config/problem.hpp"

namespace strata::config {

// All mistakes of the file, sorted by line; none of them has any part of a key in it. What is allowed:
// docs/configuration.md.
tl::expected<Config, std::vector<Problem>> parse_file(const std::string& path);

// The same for text at hand; key files with a relative path are looked for beside `file_name`.
tl::expected<Config, std::vector<Problem>> parse_text(std::string_view text, const std::string& file_name);

}  // namespace strata::config
