// What sysfs and procfs say of the machine. Paths are relative to the root: "proc/cpuinfo".
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace strata {

class Machine {
 public:
  // root: another than "/" in tests.
  explicit Machine(std::filesystem::path root = "/") : root_(std::move(root)) {}

  bool exists(std::string_view path) const;
  struct Owned {
    std::uint32_t user;
    std::uint32_t mode;  // permissions alone
    bool is_folder;
  };
  // Nothing: there is no such file or folder, or it is out of reach.
  std::optional<Owned> owned(std::string_view path) const;
  // To this process, to read and to write.
  bool is_open_to_us(std::string_view path) const;
  // Without the newline at its end; nothing: no such file.
  std::optional<std::string> text(std::string_view path) const;
  // The number at the file's start; nothing: there is none.
  std::optional<std::uint64_t> number(std::string_view path) const;
  std::vector<std::string> lines(std::string_view path) const;
  // What stands behind "key:" in a file of such lines, as /proc/self/status; empty: no such key.
  std::string value(std::string_view path, std::string_view key) const;
  // What is in a folder, in order; none: no such folder.
  std::vector<std::string> names(std::string_view folder) const;
  // The last part of where a symbolic link leads; empty: no such link.
  std::string link_end(std::string_view path) const;
  // Of a list such as "0-3,8".
  std::set<unsigned> cpus(std::string_view path) const;

 private:
  std::filesystem::path root_;
};

// "0-3,8".
std::set<unsigned> parse_cpus(std::string_view list);

}  // namespace strata
