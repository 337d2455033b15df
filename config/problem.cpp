#include "config/problem.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace strata::config {
namespace {

constexpr std::size_t kLongestShown = 72;
constexpr std::size_t kLongestWord = 64;  // bounds the work of the distance: no key of ours comes near

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// A key that slipped into another field, or a key file's content pasted as a name. An IPv6 address has at most 32 hex
// digits, four at a time, a MAC address 12; the shortest key has 40 in a row, or in pairs with separators between.
}  // namespace

bool looks_like_key(std::string_view text) {
  if (text.starts_with("hex:") || text.find("hex:") != std::string_view::npos) return true;
  std::size_t run = 0;
  std::size_t total = 0;
  for (const char c : text) {
    run = is_hex(c) ? run + 1 : 0;
    total += is_hex(c) ? 1 : 0;
    if (run >= 16) return true;
  }
  const bool only_hex = std::all_of(text.begin(), text.end(), [](char c) {
    return is_hex(c) || c == ':' || c == '-' || c == ' ' || c == ',' || c == 'x' || c == '\n';
  });
  return only_hex && total > 32;
}

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Edits of one letter, whatever its case, and two neighbours changed over, count one each ("optimal string alignment").
std::size_t distance(std::string_view a, std::string_view b) {
  std::array<std::array<std::size_t, kLongestWord + 1>, 3> rows{};
  const auto same = [a, b](std::size_t i, std::size_t j) { return lower(a[i - 1]) == lower(b[j - 1]); };
  for (std::size_t j = 0; j <= b.size(); ++j) rows[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    auto& row = rows[i % 3];
    const auto& above = rows[(i + 2) % 3];
    const auto& above2 = rows[(i + 1) % 3];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t cost = same(i, j) ? 0 : 1;
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + cost});
      if (i > 1 && j > 1 && same(i, j - 1) && same(i - 1, j)) row[j] = std::min(row[j], above2[j - 2] + 1);
    }
  }
  return rows[a.size() % 3][b.size()];
}

}  // namespace

std::string to_string(const Problem& problem, std::string_view file) {
  std::string out(file);
  if (problem.mark.line > 0) {
    out += ':' + std::to_string(problem.mark.line) + ':' + std::to_string(problem.mark.column);
  }
  out += ": ";
  if (!problem.field.empty()) out += problem.field + ": ";
  if (!problem.found.empty()) out += "found " + problem.found + "; ";
  return out + problem.message;
}

std::string shown(std::string_view text) {
  if (text.empty()) return "an empty text";
  if (looks_like_key(text)) return std::string(kNotShown);
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char c : text) {
    if (out.size() >= kLongestShown) return out + "...";
    const auto octet = static_cast<unsigned char>(c);
    if (!is_control(c)) {
      out += c;
    } else {
      out += {'\\', 'x', kDigits[octet >> 4], kDigits[octet & 15]};
    }
  }
  return out;
}

bool has_control_character(std::string_view text) { return std::any_of(text.begin(), text.end(), is_control); }

std::string_view nearest(std::string_view text, std::span<const std::string_view> candidates) {
  if (text.empty() || text.size() > kLongestWord) return {};
  std::string_view best;
  std::size_t best_distance = kLongestWord;
  for (const std::string_view candidate : candidates) {
    if (candidate.empty() || candidate.size() > kLongestWord) continue;
    // More than half of the word changed is another word.
    const std::size_t limit = std::max<std::size_t>(1, std::max(text.size(), candidate.size()) / 2);
    const std::size_t d = distance(text, candidate);
    if (d <= limit && d < best_distance) {
      best = candidate;
      best_distance = d;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view text, std::span<const std::string_view> candidates) {
  const std::string_view word = nearest(text, candidates);
  if (word.empty()) return {};
  return "did you mean '" + std::string(word) + "'? ";
}

std::string join(std::span<const std::string_view> words, std::string_view separator) {
  std::string out;
  for (const std::string_view word : words) {
    if (!out.empty()) out += separator;
    out += word;
  }
  return out;
}

}  // namespace strata::config
