#include "control/log.hpp"

#include <array>
#include <cstdio>
#include <ctime>

namespace strata {

std::string to_string(WallTime time) {
  const auto since = std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
  const std::time_t seconds = static_cast<std::time_t>(since / 1'000'000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 40> text{};
  const std::size_t n = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(&text[n], text.size() - n, ".%06dZ", static_cast<int>(since % 1'000'000));
  return text.data();
}

void log_line(const std::string& sentence, WallTime time) {
  std::string line = to_string(time) + " " + sentence;
  for (char& c : line)
    if (c < ' ' || c > '~') c = '?';
  line += '\n';
  // One call a line: lines of two gateways that share a terminal stay whole.
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace strata
