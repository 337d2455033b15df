#include "replay/hex_dump.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace strata::replay {
namespace {

using Octets = std::span<const std::uint8_t>;

constexpr std::size_t kRow = 16;
constexpr std::size_t kMostRows = 16;  // shown of one packet, or of the rows that differ

void append_hex(std::string& text, std::uint32_t value, int digits) {
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) text += "0123456789abcdef"[value >> shift & 15];
}

std::size_t rows_of(std::size_t octets) { return (octets + kRow - 1) / kRow; }

Octets row_of(Octets octets, std::size_t row) {
  const std::size_t begin = std::min(row * kRow, octets.size());
  return octets.subspan(begin, std::min(kRow, octets.size() - begin));
}

void trim(std::string& text) { text.erase(text.find_last_not_of(' ') + 1); }

// Sixteen columns of three, with one more space in the middle: `cell` writes two characters.
template <class Cell>
std::string columns(Cell cell) {
  std::string text;
  for (std::size_t i = 0; i < kRow; ++i) {
    if (i == kRow / 2) text += ' ';
    cell(text, i);
    text += ' ';
  }
  return text;
}

std::string row_text(char mark, std::size_t row, Octets octets) {
  std::string text{mark, ' '};
  append_hex(text, static_cast<std::uint32_t>(row * kRow), 4);
  text += "  " + columns([octets](std::string& out, std::size_t i) {
            if (i < octets.size()) {
              append_hex(out, octets[i], 2);
            } else {
              out += "  ";
            }
          }) +
          " ";
  for (const std::uint8_t octet : octets) text += octet >= 0x20 && octet < 0x7f ? static_cast<char>(octet) : '.';
  trim(text);
  return text + "\n";
}

std::string marks_text(Octets expected, Octets got) {
  std::string text = "        " + columns([=](std::string& out, std::size_t i) {
                       const bool both = i < expected.size() && i < got.size();
                       const bool one = i < expected.size() || i < got.size();
                       out += (both && expected[i] != got[i]) || (one && !both) ? "^^" : "  ";
                     });
  trim(text);
  return text + "\n";
}

std::string left_out(std::size_t rows, const char* what) {
  return "  ... " + std::to_string(rows) + (rows == 1 ? " row " : " rows ") + what + "\n";
}

}  // namespace

std::string hex_of(Octets octets) {
  std::string text;
  for (const std::uint8_t octet : octets) {
    if (!text.empty()) text += ' ';
    append_hex(text, octet, 2);
  }
  return text;
}

std::string dump(Octets octets) {
  const std::size_t rows = rows_of(octets.size());
  std::string text;
  for (std::size_t row = 0; row < std::min(rows, kMostRows); ++row) text += row_text(' ', row, row_of(octets, row));
  return rows > kMostRows ? text + left_out(rows - kMostRows, "more") : text;
}

std::string dump_difference(Octets expected, Octets got) {
  const std::size_t rows = rows_of(std::max(expected.size(), got.size()));
  std::vector<bool> differs(rows);
  for (std::size_t row = 0; row < rows; ++row)
    differs[row] = !std::ranges::equal(row_of(expected, row), row_of(got, row));
  const auto beside_difference = [&](std::size_t row) {
    return (row > 0 && differs[row - 1]) || (row + 1 < rows && differs[row + 1]);
  };

  std::string text;
  std::size_t equal_rows = 0;  // left out since the last row that was shown
  std::size_t shown = 0;       // of the rows that differ
  std::size_t row = 0;
  for (; row < rows && shown < kMostRows; ++row) {
    if (!differs[row] && !beside_difference(row)) {
      ++equal_rows;
      continue;
    }
    if (equal_rows != 0) text += left_out(std::exchange(equal_rows, 0), "equal");
    if (differs[row]) {
      const Octets a = row_of(expected, row);
      const Octets b = row_of(got, row);
      text += row_text('-', row, a) + row_text('+', row, b) + marks_text(a, b);
      ++shown;
    } else {
      text += row_text(' ', row, row_of(expected, row));
    }
  }
  if (equal_rows != 0) text += left_out(equal_rows, "equal");
  const auto more =
      static_cast<std::size_t>(std::count(differs.begin() + static_cast<std::ptrdiff_t>(row), differs.end(), true));
  return more != 0 ? text + left_out(more, "more that differ") : text;
}

}  // namespace strata::replay
