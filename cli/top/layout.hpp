// The screen as lines of text: so many columns, so many lines, whatever the model has. No terminal.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "cli/top/sections.hpp"

namespace strata::top {

struct Size {
  std::size_t width;
  std::size_t height;
};

inline constexpr Size kSmallest{.width = 40, .height = 8};

// What the user has chosen, and what there is to tell beside the model.
struct View {
  What large = What::sas;
  std::array<Sort, kSectionCount> sort{Sort::given, Sort::given, Sort::given, Sort::rate, Sort::rate};
  std::size_t scroll = 0;            // the large section's first row; put right by layout()
  std::size_t page = 1;              // its rows on the screen; set by layout()
  unsigned interval = 1;             // seconds
  std::size_t most_rows = SIZE_MAX;  // of a section
  bool is_paused = false;
  bool has_help = false;
  bool has_keys = true;  // the last line says which there are
  Glyphs glyphs = Glyphs::utf8;
  std::string trouble;  // with the gateway
};

using Line = std::vector<Cell>;
using Frame = std::vector<Line>;

// No line is wider than the size says, and there are no more of them.
Frame layout(const Model& model, View& view, Size size);

// Lines, for all rows of all sections up to view.most_rows.
std::size_t height_of_all(const Model& model, const View& view);

// Without styles, and without blanks at the ends of lines.
std::string text_of(const Frame& frame);

}  // namespace strata::top
