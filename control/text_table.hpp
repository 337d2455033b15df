// Columns of text for a terminal: numbers to the right, all else to the left, no frame.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

namespace strata {

class TextTable {
 public:
  explicit TextTable(std::vector<std::string> head) : rows_{std::move(head)} {}

  /// As many cells as the head has.
  void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

  /// Nothing if there is no row below the head.
  std::string text() const {
    if (rows_.size() < 2) return {};
    std::vector<Column> columns;
    for (std::size_t place = 0; place < rows_.front().size(); ++place) columns.push_back(column(place));
    std::string text;
    for (const auto& cells : rows_) {
      for (std::size_t place = 0; place < cells.size(); ++place) text += columns[place].cell(cells[place]) + "  ";
      text.erase(text.find_last_not_of(' ') + 1);
      text += '\n';
    }
    return text;
  }

 private:
  struct Column {
    std::size_t width = 0;
    bool of_numbers = true;

    std::string cell(const std::string& value) const {
      const std::string space(width - value.size(), ' ');
      return of_numbers ? space + value : value + space;
    }
  };

  Column column(std::size_t place) const {
    Column made;
    for (const auto& cells : rows_) made.width = std::max(made.width, cells[place].size());
    made.of_numbers = std::all_of(rows_.begin() + 1, rows_.end(), [place](const auto& cells) {
      const std::string& cell = cells[place];
      return cell.find_first_not_of("0123456789.") == std::string::npos && std::ranges::count(cell, '.') <= 1;
    });
    return made;
  }

  std::vector<std::vector<std::string>> rows_;
};

}  // namespace strata
