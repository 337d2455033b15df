// The folder of a state on a real disk: who may have it, and what is said when it is not as it should be.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "control/state/state_folder.hpp"

namespace strata {
namespace {

class Folder : public testing::Test {
 protected:
  Folder() {
    above_ = testing::TempDir() + "strata_state_XXXXXX";
    if (mkdtemp(above_.data()) == nullptr) std::abort();
    path_ = above_ + "/state";
  }
  ~Folder() override { std::filesystem::remove_all(above_); }

  std::string refusal() const {
    const auto folder = StateFolder::open(path_);
    return folder ? "" : folder.error();
  }

  std::string above_;
  std::string path_;
};

TEST_F(Folder, IsMadeForItsOwnerAloneAndKeepsWhatIsWritten) {
  {
    const auto folder = StateFolder::open(path_);
    ASSERT_TRUE(folder) << folder.error();
    EXPECT_EQ((*folder)->read("x").value(), std::nullopt);
    ASSERT_TRUE(replace(**folder, "x", "one"));
    ASSERT_TRUE(replace(**folder, "x", std::string(200'000, 'y')));
  }
  const auto folder = StateFolder::open(path_);
  ASSERT_TRUE(folder) << folder.error();
  EXPECT_EQ((*folder)->read("x").value(), std::string(200'000, 'y'));
  EXPECT_FALSE(std::filesystem::exists(path_ + "/x.new"));
  struct stat status {};
  ASSERT_EQ(stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0700u);
  ASSERT_EQ(stat((path_ + "/x").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
}

TEST_F(Folder, IsOneProcessesAtATime) {
  {
    const auto first = StateFolder::open(path_);
    ASSERT_TRUE(first);
    EXPECT_EQ(refusal(),
              path_ + " is in use by another strata; end that one, or give this one a state.directory of its own");
  }
  EXPECT_EQ(refusal(), "");
}

TEST_F(Folder, ThatOthersMayWriteIsRefused) {
  std::filesystem::create_directory(path_);
  chmod(path_.c_str(), 0770);
  EXPECT_EQ(refusal(), path_ + " may be written to by others; allowed: its owner alone (chmod go-w " + path_ + ")");
  chmod(path_.c_str(), 0750);
  EXPECT_EQ(refusal(), "");
}

TEST_F(Folder, AFileThatOthersMayWriteIsRefused) {
  const auto folder = StateFolder::open(path_);
  ASSERT_TRUE(replace(**folder, "x", "one"));
  chmod((path_ + "/x").c_str(), 0606);
  EXPECT_EQ((*folder)->read("x").error(),
            path_ + "/x may be written to by others; allowed: its owner alone (chmod go-w " + path_ + "/x)");
}

TEST_F(Folder, ALinkIsNotFollowed) {
  const auto folder = StateFolder::open(path_);
  ASSERT_EQ(symlink("elsewhere", (path_ + "/x").c_str()), 0);
  EXPECT_FALSE((*folder)->read("x"));
  ASSERT_EQ(symlink("elsewhere", (path_ + "/x.new").c_str()), 0);
  EXPECT_FALSE(replace(**folder, "x", "one"));
}

TEST_F(Folder, WithoutAParentOrInPlaceOfAFileItIsNotMade) {
  std::ofstream(path_) << "a file";
  EXPECT_NE(refusal().find(path_ + " cannot be opened: Not a directory; make one that is this user's own (install -d"),
            std::string::npos);
  path_ += "/below";
  EXPECT_NE(refusal().find(path_ + " cannot be made: Not a directory"), std::string::npos);
}

// What the process may write ends before the text does, as on a full disk.
TEST_F(Folder, ADiskThatTakesNoMoreIsSaid) {
  const auto folder = StateFolder::open(path_);
  ASSERT_TRUE(replace(**folder, "x", "one"));
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{.rlim_cur = 1000, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto done = replace(**folder, "x", std::string(2000, 'y'));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  (void)std::signal(SIGXFSZ, handler);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error(), path_ + "/x.new: File too large");
  EXPECT_EQ((*folder)->read("x").value(), "one");
}

}  // namespace
}  // namespace strata
