// A file that exists for the length of a test.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <span>
#include <string>

#include "tests/unit/hex.hpp"

namespace strata::test {

class ScratchFile {
 public:
  ScratchFile() : path_(testing::TempDir() + "strata_XXXXXX") {
    const int descriptor = mkstemp(path_.data());
    if (descriptor < 0) std::abort();
    close(descriptor);
  }
  explicit ScratchFile(std::span<const std::uint8_t> octets) : ScratchFile() {
    std::ofstream file(path_, std::ios::binary);
    for (const std::uint8_t octet : octets) file.put(static_cast<char>(octet));
  }
  ~ScratchFile() { std::remove(path_.c_str()); }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  const std::string& path() const { return path_; }
  Octets octets() const {
    std::ifstream file(path_, std::ios::binary);
    return Octets(std::istreambuf_iterator<char>(file), {});
  }

 private:
  std::string path_;
};

}  // namespace strata::test
