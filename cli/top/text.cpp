#include "cli/top/text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace strata::top {
namespace {

std::string printed(const char* format, double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

// Three digits that count. A value just below a power of ten must not become four of them.
std::string three_digits(double value) {
  if (value < 9.995) return printed("%.2f", value);
  if (value < 99.95) return printed("%.1f", value);
  return printed("%.0f", value);
}

constexpr std::array<std::string_view, 8> kBlocks{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
constexpr std::array<std::string_view, 8> kAsciiBlocks{"_", ".", ":", "-", "=", "+", "*", "#"};

// Only nothing is at the bottom: what is little is seen.
std::size_t level(float value, float most) {
  if (value <= 0 || most <= 0) return 0;
  const float share = std::min(value / most, 1.0F);
  return std::max<std::size_t>(1, static_cast<std::size_t>(std::lround(share * 7)));
}

}  // namespace

std::string scaled(std::optional<double> value) {
  if (!value) return "-";
  if (*value <= 0) return "0";
  if (*value < 9.95) {
    const std::string text = printed("%.1f", *value);
    if (text == "0.0") return "<0.1";
    return text.ends_with(".0") ? text.substr(0, text.size() - 2) : text;
  }
  if (*value < 999.5) return printed("%.0f", *value);
  double rest = *value;
  for (const char* unit : {"k", "M", "G", "T", "P", "E"}) {
    rest /= 1000;
    if (rest < 999.5) return three_digits(rest) + unit;
  }
  return "max";
}

std::string duration(double seconds) {
  const auto whole = static_cast<unsigned long long>(std::max(seconds, 0.0));
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%02llu:%02llu:%02llu", whole / 3600 % 24, whole / 60 % 60, whole % 60);
  return whole < 86400 ? text.data() : std::to_string(whole / 86400) + "d " + text.data();
}

std::size_t columns_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string harmless(std::string_view text) {
  std::string made;
  for (const char c : text)
    if ((static_cast<unsigned char>(c) & 0xc0) != 0x80) made += c >= ' ' && c <= '~' ? c : '?';
  return made;
}

std::string shortened(const std::string& text, std::size_t width, Glyphs glyphs) {
  if (text.size() <= width) return text;
  if (width < 3) return text.substr(0, width);
  const std::size_t end = (width - 1) / 2;
  return text.substr(0, width - 1 - end) + (glyphs == Glyphs::utf8 ? "…" : "~") + text.substr(text.size() - end);
}

std::string sparkline(const History& history, std::size_t width, std::optional<float> most, Glyphs glyphs) {
  const std::size_t points = std::min(width, History::kPoints);
  float highest = most.value_or(0);
  for (std::size_t ago = 0; !most && ago < points; ++ago) highest = std::max(highest, history.at(ago).value_or(0));
  const auto& blocks = glyphs == Glyphs::utf8 ? kBlocks : kAsciiBlocks;
  std::string text(width - points, ' ');
  for (std::size_t ago = points; ago-- > 0;) {
    const auto value = history.at(ago);
    text += value ? blocks[level(*value, highest)] : " ";
  }
  return text;
}

std::string bar(double share, std::size_t width, Glyphs glyphs) {
  const double wanted = std::clamp(share, 0.0, 1.0) * static_cast<double>(width);
  auto full = static_cast<std::size_t>(std::lround(wanted));
  if (share > 0 && full == 0) full = 1;
  std::string text;
  for (std::size_t i = 0; i < width; ++i)
    text += glyphs == Glyphs::utf8 ? (i < full ? "■" : "·") : (i < full ? "#" : ".");
  return text;
}

}  // namespace strata::top
