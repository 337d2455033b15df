#include "control/state/sequence_file.hpp"

#include <openssl/sha.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <unordered_set>

namespace strata {
namespace {

using Refusal = tl::unexpected<std::string>;

constexpr std::string_view kTitle = "strata sequence numbers ";
constexpr std::string_view kVersion = "2";
constexpr std::string_view kOldVersion = "1";  // without the lives of keys

std::string hex(std::span<const std::uint8_t> octets) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t octet : octets) {
    text += kDigits[octet >> 4];
    text += kDigits[octet & 15];
  }
  return text;
}

std::optional<std::uint8_t> digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<std::uint8_t>(c - 'a' + 10);
  return std::nullopt;
}

bool read_hex(std::string_view text, std::span<std::uint8_t> octets) {
  if (text.size() != 2 * octets.size()) return false;
  for (std::size_t i = 0; i < octets.size(); ++i) {
    const auto high = digit(text[2 * i]);
    const auto low = digit(text[2 * i + 1]);
    if (!high || !low) return false;
    octets[i] = static_cast<std::uint8_t>(*high << 4 | *low);
  }
  return true;
}

// As encode() writes it: no sign, no zero in front.
bool read_number(std::string_view text, std::uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && text == std::to_string(number);
}

std::string sum_of(std::string_view text) {
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> sum{};
  std::vector<std::uint8_t> octets(text.begin(), text.end());
  SHA256(octets.data(), octets.size(), sum.data());
  return hex(sum);
}

// Takes a line, without its end, off the front; nothing: there is no whole one.
std::optional<std::string_view> take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

bool take(std::string_view& line, std::string_view word) {
  if (!line.starts_with(word)) return false;
  line.remove_prefix(word.size());
  return true;
}

// Takes a word, without the blank behind it, off the front.
std::string_view take_word(std::string_view& line) {
  const std::string_view word = line.substr(0, line.find(' '));
  line.remove_prefix(std::min(word.size() + 1, line.size()));
  return word;
}

bool read_key(std::string_view line, bool has_life, ReservedNumbers& out) {
  if (!read_hex(take_word(line), out.key)) return false;
  if (!has_life) return read_number(line, out.last);
  return read_number(take_word(line), out.last) && read_number(take_word(line), out.since) &&
         read_number(line, out.octets);
}

Refusal damaged(const std::string& what) {
  return Refusal("damaged (" + what +
                 "), so that nobody knows which nonces were used: give every outbound SA a new key, then remove the "
                 "file");
}

}  // namespace

std::string encode(const SequenceFile& file) {
  std::string text = std::string(kTitle) + std::string(kVersion) + "\nsalt " + hex(file.salt) + "\n";
  for (const ReservedNumbers& of : file.keys)
    text += "key " + hex(of.key) + " " + std::to_string(of.last) + " " + std::to_string(of.since) + " " +
            std::to_string(of.octets) + "\n";
  const std::string sum = sum_of(text);
  return text + "end " + std::to_string(file.keys.size()) + " " + sum + "\n";
}

tl::expected<SequenceFile, std::string> decode(std::string_view text) {
  const std::string_view whole = text;
  auto line = take_line(text);
  if (!line || !take(*line, kTitle)) return damaged("it does not begin as one of strata's");
  if (*line != kVersion && *line != kOldVersion)
    return Refusal("of version " + std::string(line->substr(0, 20)) + ", and this strata knows versions " +
                   std::string(kOldVersion) + " and " + std::string(kVersion) +
                   ": run the strata that wrote it, or give every outbound SA a new key, then remove the file");
  const bool has_life = *line == kVersion;
  SequenceFile file;
  line = take_line(text);
  if (!line || !take(*line, "salt ") || !read_hex(*line, file.salt)) return damaged("line 2");
  std::unordered_set<KeyTag, HashOfTag> seen;
  std::size_t above = whole.size() - text.size();
  for (line = take_line(text); line && take(*line, "key "); line = take_line(text)) {
    ReservedNumbers of{};
    if (!read_key(*line, has_life, of) || !seen.insert(of.key).second)
      return damaged("line " + std::to_string(file.keys.size() + 3));
    file.keys.push_back(of);
    above = whole.size() - text.size();
  }
  if (!line) return damaged("its end is missing");
  const std::string end = "end " + std::to_string(file.keys.size()) + " " + sum_of(whole.substr(0, above));
  if (*line != end || !text.empty()) return damaged("its checksum is not that of its lines");
  return file;
}

}  // namespace strata
