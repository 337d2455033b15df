#include "control/journal.hpp"

#include <endian.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "control/descriptor.hpp"

namespace strata {
namespace {

constexpr std::string_view kSocket = "/run/systemd/journal/socket";

// A value with a newline in it would begin another field: it goes with its length before it.
void add(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  if (value.find('\n') == std::string_view::npos) {
    out.append("=").append(value).append("\n");
    return;
  }
  const std::uint64_t size = htole64(value.size());
  out.append("\n").append(reinterpret_cast<const char*>(&size), sizeof size).append(value).append("\n");
}

}  // namespace

bool standard_error_is_the_journal() {
  const char* const said = std::getenv("JOURNAL_STREAM");
  struct stat status {};
  if (said == nullptr || ::fstat(STDERR_FILENO, &status) != 0) return false;
  return said == std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
}

bool tell_journal(const std::string& sentence, const LogFields& fields) {
  const Descriptor fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) return false;
  std::string entry;
  add(entry, "MESSAGE", sentence);
  add(entry, "SYSLOG_IDENTIFIER", "strata");
  bool has_priority = false;
  for (const auto& [name, value] : fields) {
    add(entry, name, value);
    has_priority = has_priority || name == "PRIORITY";
  }
  if (!has_priority) add(entry, "PRIORITY", kInfoPriority);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  kSocket.copy(address.sun_path, sizeof address.sun_path - 1);
  const ssize_t sent = ::sendto(fd.number(), entry.data(), entry.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                                reinterpret_cast<const sockaddr*>(&address), sizeof address);
  return sent == static_cast<ssize_t>(entry.size());
}

}  // namespace strata
