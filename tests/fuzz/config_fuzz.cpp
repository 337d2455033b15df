// Configuration text. Whatever it is, it is a configuration or has mistakes that are told with their places; a second
// reading is the same; and no key is in any word of it.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "config/describe.hpp"
#include "config/difference.hpp"
#include "config/memory.hpp"
#include "config/parser.hpp"
#include "tests/fuzz/fail.hpp"

namespace strata::fuzz {
namespace {

constexpr std::size_t kKeyDigits = 40;  // of the shortest key there is

bool is_hex(char c) { return std::string_view("0123456789abcdefABCDEF").find(c) != std::string_view::npos; }

// Those in the text that could be a whole key.
std::vector<std::string_view> keys_of(std::string_view text) {
  std::vector<std::string_view> keys;
  for (std::size_t at = text.find("hex:"); at != std::string_view::npos; at = text.find("hex:", at + 1)) {
    const std::string_view rest = text.substr(at + 4);
    const auto end = std::ranges::find_if_not(rest, is_hex);
    const auto length = static_cast<std::size_t>(end - rest.begin());
    if (length >= kKeyDigits) keys.push_back(rest.substr(0, length));
  }
  return keys;
}

void must_hide(const std::vector<std::string_view>& keys, const std::string& said) {
  for (const std::string_view key : keys)
    if (said.find(key.substr(0, kKeyDigits)) != std::string::npos) fail("a key is in what was said: " + said);
}

void judge_mistakes(const std::vector<config::Problem>& mistakes, std::string_view text,
                    const std::vector<std::string_view>& keys) {
  if (mistakes.empty()) fail("refused without a mistake");
  const auto lines = std::ranges::count(text, '\n') + std::ranges::count(text, '\r');
  for (const config::Problem& mistake : mistakes) {
    const std::string said = to_string(mistake, "fuzz.yaml");
    if (mistake.message.empty()) fail("a mistake without words: " + said);
    if (mistake.mark.line < 0 || mistake.mark.line > lines + 3) fail("a mistake beyond the text: " + said);
    if (config::has_control_character(said)) fail("a mistake with control characters: " + said);
    must_hide(keys, said);
  }
}

std::string said_of(const std::vector<config::Problem>& mistakes) {
  std::string said;
  for (const config::Problem& mistake : mistakes) said += to_string(mistake, "fuzz.yaml") + "\n";
  return said;
}

void read(std::string_view text) {
  const std::vector<std::string_view> keys = keys_of(text);
  const auto config = config::parse_text(text, "fuzz.yaml");
  const auto again = config::parse_text(text, "fuzz.yaml");
  if (config.has_value() != again.has_value()) fail("taken once and refused once");
  if (!config) {
    judge_mistakes(config.error(), text, keys);
    if (said_of(config.error()) != said_of(again.error())) fail("other mistakes the second time");
    return;
  }
  const std::string words = config::describe(*config);
  const std::string json = config::describe_json(*config).dump();
  must_hide(keys, words);
  must_hide(keys, json);
  if (words != config::describe(*again)) fail("another configuration the second time");
  const config::Difference none = config::difference(*config, *again);
  if (!none.changes.empty() || !none.refused.empty()) fail("a configuration that differs from itself");
  if (config::memory_need(*config).eal_mib() == 0) fail("a gateway that needs no memory");
}

}  // namespace
}  // namespace strata::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  strata::fuzz::read({reinterpret_cast<const char*>(data), size});
  return 0;
}
