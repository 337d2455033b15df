#include "control/log.hpp"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <ctime>

namespace strata {
namespace {

// A line goes out in one piece when there is room for it, and waits for nobody: whoever reads slowly, or not at all,
// must not hold up packets.
bool has_room(int fd) {
  pollfd one{.fd = fd, .events = POLLOUT, .revents = 0};
  return ::poll(&one, 1, 0) == 1 && (one.revents & POLLOUT) != 0;
}

std::string printable(std::string text) {
  for (char& c : text)
    if (c < ' ' || c > '~') c = '?';
  return text;
}

void put(const std::string& line) {
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace

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

void log_line(const std::string& sentence, const LogFields& fields) {
  static const bool is_journal = standard_error_is_the_journal();
  static std::uint64_t unread = 0;
  if (is_journal && tell_journal(printable(sentence), fields)) return;
  if (!has_room(STDERR_FILENO)) {
    ++unread;
    return;
  }
  std::string line = to_string(std::chrono::system_clock::now()) + " " + printable(sentence);
  if (unread != 0) line += " (before this, " + std::to_string(unread) + " lines found no room)";
  unread = 0;
  put(line + "\n");
}

}  // namespace strata
