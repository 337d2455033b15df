// Words for a screen: figures in few columns, bars, and names that harm no terminal.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cli/top/series.hpp"

namespace strata::top {

// What a terminal can show: the blocks of a bar, or what ASCII has for them.
enum class Glyphs { ascii, utf8 };

// At most five columns: "0", "0.4", "12.3", "999", "1.23k", "98.7M"; nothing is "-".
std::string scaled(std::optional<double> value);

// "3d 02:03:04", "02:03:04".
std::string duration(double seconds);

// In as many columns as the text has characters; of UTF-8.
std::size_t columns_of(std::string_view text);

// What is no printable ASCII is a question mark: names come from the other end of a socket.
std::string harmless(std::string_view text);

// ASCII of at most so many columns: of what is longer, names being alike at their beginnings, both ends.
std::string shortened(const std::string& text, std::size_t width, Glyphs glyphs);

// The newest at the right; most: what fills a column, else the highest that is seen. What is not known is blank.
std::string sparkline(const History& history, std::size_t width, std::optional<float> most, Glyphs glyphs);

// share: 0 to 1.
std::string bar(double share, std::size_t width, Glyphs glyphs);

}  // namespace strata::top
