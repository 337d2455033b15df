// A Unix socket that is listened to, and its name among the files.
#pragma once

#include <sys/types.h>

#include <string>
#include <tl/expected.hpp>

#include "control/descriptor.hpp"

namespace strata {

class SocketFile {
 public:
  // One that nobody listens to any more is replaced; another process's is left alone, and so is all else that is there.
  // Mode 0660. The error says what was found and what to do.
  static tl::expected<SocketFile, std::string> create(const std::string& path);
  SocketFile(SocketFile&& other) noexcept = default;
  SocketFile& operator=(SocketFile&&) = delete;
  ~SocketFile();

  int fd() const { return fd_.number(); }
  const std::string& path() const { return path_; }
  // Whose members may come in; an administrator may give the file to another one.
  gid_t group() const;

 private:
  SocketFile(std::string path, Descriptor fd, dev_t device, ino_t inode)
      : path_(std::move(path)), fd_(std::move(fd)), device_(device), inode_(inode) {}
  bool is_still_ours() const;

  std::string path_;
  Descriptor fd_;
  dev_t device_;
  ino_t inode_;
};

}  // namespace strata
