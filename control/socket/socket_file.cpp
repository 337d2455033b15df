#include "control/socket/socket_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

namespace strata {
namespace {

constexpr mode_t kMode = 0660;
constexpr int kBacklog = 128;

tl::unexpected<std::string> fault(const std::string& path, const std::string& what) {
  return tl::unexpected("control socket " + path + ": " + what);
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  return address;
}

int with_address(int (*call)(int, const sockaddr*, socklen_t), int fd, const std::string& path) {
  const sockaddr_un address = address_of(path);
  return call(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

Descriptor new_socket() { return Descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)); }

// "process 123": whoever listens there.
std::string listener_of(int connected) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(connected, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.pid == 0) return "another process";
  return "process " + std::to_string(peer.pid);
}

// Takes away what a dead process left there. An error: it is not to be taken away.
tl::expected<void, std::string> make_way(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return {};
    return fault(path, std::strerror(errno));
  }
  if (!S_ISSOCK(status.st_mode))
    return fault(path, "something else than a socket is there; remove it, or name another path");
  const Descriptor probe = new_socket();
  if (with_address(&::connect, probe.number(), path) == 0 || errno == EAGAIN)
    return fault(path, "another gateway (" + listener_of(probe.number()) +
                           ") listens there; end it, or give this one another `name` or --socket");
  if (errno != ECONNREFUSED)
    return fault(path, std::string("it cannot be said whether somebody listens there: ") + std::strerror(errno) +
                           "; name another path");
  if (::unlink(path.c_str()) != 0)
    return fault(path, std::string("what a dead process left there cannot be removed: ") + std::strerror(errno));
  return {};
}

// Whoever else starts there waits for us to be done: else each of two could take the other's new socket for an old one.
Descriptor lock_of(const std::string& folder) {
  Descriptor lock(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (lock && ::flock(lock.number(), LOCK_EX) != 0) return Descriptor();
  return lock;
}

}  // namespace

tl::expected<SocketFile, std::string> SocketFile::create(const std::string& path) {
  if (path.size() >= sizeof(sockaddr_un::sun_path)) return fault(path, "the path is longer than 107 octets");
  const std::string folder = folder_of(path);
  const Descriptor lock = lock_of(folder);
  if (!lock)
    return fault(path, "the folder " + folder + ": " + std::strerror(errno) + "; make it, or name another path");
  if (auto done = make_way(path); !done) return tl::unexpected(std::move(done.error()));
  Descriptor fd = new_socket();
  if (!fd) return fault(path, std::strerror(errno));
  if (with_address(&::bind, fd.number(), path) != 0)
    return fault(path, std::string("it cannot be made: ") + std::strerror(errno) + "; be root, or name another path");
  // Nobody can come in before listen().
  struct stat status {};
  if (::chmod(path.c_str(), kMode) != 0 || ::lstat(path.c_str(), &status) != 0 ||
      ::listen(fd.number(), kBacklog) != 0) {
    const std::string why = std::strerror(errno);
    ::unlink(path.c_str());
    return fault(path, why);
  }
  return SocketFile(path, std::move(fd), status.st_dev, status.st_ino);
}

SocketFile::~SocketFile() {
  if (fd_ && is_still_ours()) ::unlink(path_.c_str());
}

bool SocketFile::is_still_ours() const {
  struct stat now {};
  return ::lstat(path_.c_str(), &now) == 0 && now.st_dev == device_ && now.st_ino == inode_;
}

gid_t SocketFile::group() const {
  struct stat now {};
  return is_still_ours() && ::lstat(path_.c_str(), &now) == 0 ? now.st_gid : ::getegid();
}

}  // namespace strata
