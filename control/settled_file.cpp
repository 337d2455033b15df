#include "control/settled_file.hpp"

#include <sys/stat.h>

#include <ctime>
#include <optional>
#include <thread>

namespace strata {
namespace {

constexpr std::chrono::milliseconds kNap{5};

struct Stamp {
  dev_t device;
  ino_t number;
  off_t size;
  std::int64_t written_ns;  // since 1970
  bool operator==(const Stamp&) const = default;
};

std::int64_t ns_of(const timespec& time) { return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; }

// Nothing: it is not there, or no regular file; then whoever reads it says what there is to say.
std::optional<Stamp> stamp_of(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  return Stamp{status.st_dev, status.st_ino, status.st_size, ns_of(status.st_mtim)};
}

// By the clock that the kernel stamps files with. One that was set back says nothing, nor does another machine's.
bool is_at_rest(const Stamp& stamp, std::chrono::milliseconds so_long) {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  const std::int64_t age = ns_of(now) - stamp.written_ns;
  return age < 0 || age >= std::chrono::nanoseconds(so_long).count();
}

}  // namespace

// What is slept is counted, not the time that goes by: whoever is held up, or reads for seconds, has seen no writer.
tl::expected<void, std::string> read_settled(const std::string& path, const std::function<void()>& read,
                                             const Settling& settling) {
  std::chrono::milliseconds slept{0};
  for (unsigned reads = 0; reads < settling.reads && slept <= settling.longest;) {
    const auto before = stamp_of(path);
    if (before && !is_at_rest(*before, settling.at_rest)) {
      std::this_thread::sleep_for(kNap);
      slept += kNap;
      continue;
    }
    read();
    ++reads;
    if (stamp_of(path) == before) return {};
  }
  return tl::unexpected(path + ": somebody is writing it; write another file and rename it (mv), then ask again");
}

}  // namespace strata
