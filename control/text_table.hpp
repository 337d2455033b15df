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
    std::string text;
    for (const auto& cells : rows_) {
      for (std::size_t column = 0; column < cells.size(); ++column) text += cell(cells[column], column) + "  ";
      text.erase(text.find_last_not_of(' ') + 1);
      text += '\n';
    }
    return text;
  }

 private:
  std::string cell(const std::string& value, std::size_t column) const {
    const std::string space(width(column) - value.size(), ' ');
    return of_numbers(column) ? space + value : value + space;
  }
  std::size_t width(std::size_t column) const {
    return std::ranges::max_element(rows_, {}, [=](const auto& cells) { return cells[column].size(); })
        ->at(column)
        .size();
  }
  bool of_numbers(std::size_t column) const {
    return std::all_of(rows_.begin() + 1, rows_.end(), [=](const auto& cells) {
      return cells[column].find_first_not_of("0123456789") == std::string::npos;
    });
  }

  std::vector<std::vector<std::string>> rows_;
};

}  // namespace strata
