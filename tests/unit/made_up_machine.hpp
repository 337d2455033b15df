// A machine that is only what a test says of it: a folder with the files of sysfs and procfs.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "control/doctor/machine.hpp"

namespace strata::test {

class MadeUpMachine {
 public:
  MadeUpMachine() : root_(testing::TempDir() + "strata_machine_XXXXXX") {
    if (mkdtemp(root_.data()) == nullptr) std::abort();
  }
  ~MadeUpMachine() { std::filesystem::remove_all(root_); }
  MadeUpMachine(const MadeUpMachine&) = delete;
  MadeUpMachine& operator=(const MadeUpMachine&) = delete;

  MadeUpMachine& file(const std::string& path, const std::string& text) {
    const std::filesystem::path whole = std::filesystem::path(root_) / path;
    std::filesystem::create_directories(whole.parent_path());
    std::ofstream(whole) << text << "\n";
    return *this;
  }
  MadeUpMachine& folder(const std::string& path) {
    std::filesystem::create_directories(std::filesystem::path(root_) / path);
    return *this;
  }
  MadeUpMachine& link(const std::string& path, const std::string& to) {
    const std::filesystem::path whole = std::filesystem::path(root_) / path;
    std::filesystem::create_directories(whole.parent_path());
    std::filesystem::remove(whole);
    std::filesystem::create_symlink(to, whole);
    return *this;
  }
  MadeUpMachine& without(const std::string& path) {
    std::filesystem::remove_all(std::filesystem::path(root_) / path);
    return *this;
  }

  std::filesystem::path root() const { return root_; }
  Machine machine() const { return Machine(root_); }

 private:
  std::string root_;
};

}  // namespace strata::test
