// Text for manual pages (man(7)).
#pragma once

#include <string>
#include <string_view>

namespace strata {

// Text as it is: nothing in it is a request or an escape of roff's.
std::string roff(std::string_view text);

// Sentences with `code` in backquotes, which becomes bold.
std::string roff_prose(std::string_view text);

// The page's first lines: title, section, version.
std::string roff_head(std::string_view title, int section, std::string_view version);

}  // namespace strata
