#include "control/state/state_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace strata {
namespace {

using Refusal = tl::unexpected<std::string>;

constexpr mode_t kOwnerAlone = 0600;
constexpr mode_t kOthersWrite = 022;
constexpr const char* kLock = "lock";

std::string reason() { return std::generic_category().message(errno); }

std::string another_folder(const std::string& path) {
  return "; make one that is this user's own (install -d -m 0700 -o " + std::to_string(geteuid()) + " " + path +
         "), or name another one in state.directory";
}

// Whoever else may write there could put an old state in the place of a newer one. Nothing: it is as it should be.
std::optional<std::string> objection(int descriptor, const std::string& path) {
  struct stat status {};
  if (fstat(descriptor, &status) != 0) return path + ": " + reason();
  if (status.st_uid != geteuid() && status.st_uid != 0)
    return path + " belongs to user " + std::to_string(status.st_uid) + "; allowed: the user who runs strata (chown " +
           std::to_string(geteuid()) + " " + path + "), or root";
  if ((status.st_mode & kOthersWrite) != 0)
    return path + " may be written to by others; allowed: its owner alone (chmod go-w " + path + ")";
  return std::nullopt;
}

}  // namespace

tl::expected<std::unique_ptr<StateFolder>, std::string> StateFolder::open(const std::string& path) {
  const bool made = mkdir(path.c_str(), 0700) == 0;
  if (!made && errno != EEXIST) return Refusal(path + " cannot be made: " + reason() + another_folder(path));
  Descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return Refusal(path + " cannot be opened: " + reason() + another_folder(path));
  if (auto words = objection(folder.number(), path)) return Refusal(*std::move(words));
  // A folder that a loss of power takes away again would take all that is in it.
  const Descriptor parent(openat(folder.number(), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if ((!parent || fsync(parent.number()) != 0) && made)
    return Refusal("the folder above " + path + " cannot be written: " + reason() + another_folder(path));
  Descriptor lock(openat(folder.number(), kLock, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, kOwnerAlone));
  if (!lock) return Refusal(path + "/" + kLock + " cannot be written: " + reason() + another_folder(path));
  if (flock(lock.number(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK)
      return Refusal(path +
                     " is in use by another strata; end that one, or give this one a state.directory of its own");
    return Refusal(path + "/" + kLock + " cannot be locked: " + reason() + another_folder(path));
  }
  return std::unique_ptr<StateFolder>(new StateFolder(path, std::move(folder), std::move(lock)));
}

Descriptor StateFolder::open_file(const std::string& name, int flags) const {
  return Descriptor(openat(folder_.number(), name.c_str(), flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, kOwnerAlone));
}

tl::unexpected<std::string> StateFolder::failed(const std::string& name) const {
  return Refusal(path_of(name) + ": " + reason());
}

tl::expected<std::optional<std::string>, std::string> StateFolder::read(const std::string& name) {
  const Descriptor file = open_file(name, O_RDONLY);
  if (!file && errno == ENOENT) return std::nullopt;
  if (!file) return failed(name);
  if (auto words = objection(file.number(), path_of(name))) return Refusal(*std::move(words));
  std::string text;
  std::array<char, std::size_t{1} << 16> part{};
  ssize_t got = 0;
  while ((got = ::read(file.number(), part.data(), part.size())) > 0)
    text.append(part.data(), static_cast<std::size_t>(got));
  if (got < 0) return failed(name);
  return text;
}

tl::expected<void, std::string> StateFolder::write(const std::string& name, std::string_view text) {
  written_name_ = name;
  written_ = open_file(name, O_WRONLY | O_CREAT | O_TRUNC);
  if (!written_) return failed(name);
  while (!text.empty()) {
    const ssize_t put = ::write(written_.number(), text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return failed(name);
    text.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

tl::expected<void, std::string> StateFolder::sync() {
  if (fsync(written_.number()) != 0) return failed(written_name_);
  return {};
}

tl::expected<void, std::string> StateFolder::rename(const std::string& from, const std::string& to) {
  if (renameat(folder_.number(), from.c_str(), folder_.number(), to.c_str()) != 0) return failed(to);
  return {};
}

tl::expected<void, std::string> StateFolder::sync_folder() {
  if (fsync(folder_.number()) != 0) return Refusal(path_ + ": " + reason());
  return {};
}

}  // namespace strata
