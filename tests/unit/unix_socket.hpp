// A folder for sockets, and a client of one.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "control/descriptor.hpp"

namespace strata::test {

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "strata-socket-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string at(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

inline Descriptor connected(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  Descriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
  return ::connect(fd.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? std::move(fd)
                                                                                                  : Descriptor();
}

}  // namespace strata::test
