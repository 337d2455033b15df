// A configuration that is written while it is read.
#include "control/settled_file.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "tests/unit/scratch_file.hpp"

namespace strata {
namespace {

using namespace std::chrono_literals;

void write(const std::string& path, const std::string& text) { std::ofstream(path, std::ios::trunc) << text; }
void append(const std::string& path, const std::string& text) { std::ofstream(path, std::ios::app) << text; }

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

TEST(SettledFile, WhatIsWrittenInPiecesIsReadWhole) {
  constexpr int kPieces = 20;
  const test::ScratchFile file;
  write(file.path(), "line\n");
  std::thread writer([&] {
    for (int i = 1; i < kPieces; ++i) {
      append(file.path(), "line\n");
      std::this_thread::sleep_for(2ms);
    }
  });
  std::string text;
  // At rest: much longer than the writer pauses, be it held up.
  EXPECT_TRUE(read_settled(file.path(), [&] { text = text_of(file.path()); }, {.at_rest = 1s, .longest = 120s}));
  writer.join();
  EXPECT_EQ(text.size(), kPieces * std::string("line\n").size());
}

TEST(SettledFile, WhatIsReplacedMeanwhileIsReadAgain) {
  const test::ScratchFile file;
  const test::ScratchFile other;
  write(file.path(), "before\n");
  write(other.path(), "behind, and longer\n");
  int reads = 0;
  std::string text;
  EXPECT_TRUE(read_settled(file.path(),
                           [&] {
                             text = text_of(file.path());
                             const bool is_first = ++reads == 1;
                             EXPECT_EQ(is_first ? std::rename(other.path().c_str(), file.path().c_str()) : 0, 0);
                           },
                           {.at_rest = 0ms, .longest = 120s}));
  EXPECT_EQ(reads, 2);
  EXPECT_EQ(text, "behind, and longer\n");
}

TEST(SettledFile, WhoNeverStopsWritingIsNotWaitedForForEver) {
  const test::ScratchFile file;
  write(file.path(), "line\n");
  std::string text;
  const auto done =
      read_settled(file.path(), [&] { append(file.path(), "line\n"); }, {.at_rest = 0ms, .longest = 100ms});
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().find(file.path() + ": somebody is writing it"), std::string::npos) << done.error();
}

// Whoever reads it says best what is wrong.
TEST(SettledFile, WhatIsNoFileIsReadAsItIs) {
  for (const char* path : {"/nowhere/at/all", "/dev/null", "/"}) {
    bool is_read = false;
    EXPECT_TRUE(read_settled(path, [&] { is_read = true; }));
    EXPECT_TRUE(is_read) << path;
  }
}

}  // namespace
}  // namespace strata
