// What the screen has of a gateway: five lists, each with its columns, its rows and what they can be sorted by.
#pragma once

#include <array>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/top/model.hpp"
#include "cli/top/text.hpp"

namespace strata::top {

enum class What : std::uint8_t { ports, workers, stages, sas, drops };
inline constexpr std::size_t kSectionCount = 5;

enum class Sort : std::uint8_t { rate, total, name, given };
inline constexpr std::size_t kSortCount = 4;
std::string_view text_of(Sort sort);

enum class Style : std::uint8_t { plain, title, head, chosen, dim, good, warn, alarm, graph };

struct Cell {
  std::string text;
  Style style = Style::plain;
};

struct Column {
  std::string_view head;
  std::size_t width;  // of the cells at the least; the first column is as wide as its names are, within bounds
  bool is_number;
  unsigned rank;  // where there is no room for all, those with the highest go first
};

struct Row {
  std::vector<Cell> cells;  // one a column
  const History* history;
};

struct SortKey {
  double rate;
  std::uint64_t total;
  std::string_view name;
};

struct Section {
  std::string_view title;  // in the place of the first column's head
  std::string_view none;   // instead of rows
  std::span<const Column> columns;
  std::optional<float> most;  // of the history
  std::vector<SortKey> keys;  // one a row, in the gateway's order
  std::function<Row(std::size_t)> row;
};

Section section_of(What what, const Model& model, Glyphs glyphs);

// The rows' numbers in this order: the highest first, or by name.
std::vector<std::size_t> sorted(const Section& section, Sort sort);

}  // namespace strata::top
