// strata.yaml(5), from the one table that the parser has too.
#pragma once

#include <string>
#include <string_view>

namespace strata::config {

std::string schema_man(std::string_view version);

}  // namespace strata::config
