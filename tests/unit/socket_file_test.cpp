// The control socket's file, and who is at the other end.
#include "control/socket/socket_file.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "control/socket/peer.hpp"
#include "tests/unit/unix_socket.hpp"

namespace strata {
namespace {

namespace fs = std::filesystem;
using test::connected;
using test::Folder;

std::string error_of(const std::string& path) {
  const auto made = SocketFile::create(path);
  return made ? "" : made.error();
}

TEST(SocketFile, IsThereWhileItIsListenedTo) {
  const Folder folder;
  const std::string path = folder.at("a.sock");
  {
    const auto file = SocketFile::create(path);
    ASSERT_TRUE(file) << file.error();
    EXPECT_EQ(fs::status(path).permissions(), fs::perms(0660));
    EXPECT_TRUE(connected(path));
    EXPECT_EQ(file->group(), ::getegid());
  }
  EXPECT_FALSE(fs::exists(path));
}

TEST(SocketFile, OneThatIsListenedToIsLeftAlone) {
  const Folder folder;
  const std::string path = folder.at("a.sock");
  const auto first = SocketFile::create(path);
  ASSERT_TRUE(first);
  const std::string said = error_of(path);
  EXPECT_NE(said.find("another gateway (process " + std::to_string(::getpid()) + ") listens there; end it, or give"),
            std::string::npos)
      << said;
  EXPECT_TRUE(connected(path));
}

TEST(SocketFile, WhatADeadProcessLeftIsReplaced) {
  const Folder folder;
  const std::string path = folder.at("a.sock");
  {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    const Descriptor dead(::socket(AF_UNIX, SOCK_STREAM, 0));
    ASSERT_EQ(::bind(dead.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  ASSERT_TRUE(fs::exists(path));
  EXPECT_EQ(error_of(path), "");
}

TEST(SocketFile, WhatIsNoSocketIsLeftAlone) {
  const Folder folder;
  std::ofstream(folder.at("file")) << "precious";
  fs::create_symlink("nowhere", folder.at("link"));
  for (const char* name : {"file", "link"}) {
    EXPECT_NE(error_of(folder.at(name)).find("something else than a socket is there"), std::string::npos);
    EXPECT_TRUE(fs::exists(fs::symlink_status(folder.at(name))));
  }
}

TEST(SocketFile, AFolderThatIsNotThereIsSaid) {
  const Folder folder;
  EXPECT_NE(error_of(folder.at("no/a.sock")).find(folder.at("no") + ": No such file or directory; make it"),
            std::string::npos);
  EXPECT_NE(error_of(folder.at(std::string(108, 'x'))).find("longer than 107 octets"), std::string::npos);
}

TEST(SocketFile, AnothersInItsPlaceIsNotRemoved) {
  const Folder folder;
  const std::string path = folder.at("a.sock");
  auto first = SocketFile::create(path);
  ASSERT_TRUE(first);
  fs::remove(path);
  const auto second = SocketFile::create(path);
  ASSERT_TRUE(second);
  first = tl::unexpected(std::string("gone"));
  EXPECT_TRUE(connected(path));
}

TEST(Peer, IsWhomTheKernelSays) {
  const Folder folder;
  const auto file = SocketFile::create(folder.at("a.sock"));
  ASSERT_TRUE(file);
  const Descriptor client = connected(folder.at("a.sock"));
  const Descriptor served(::accept(file->fd(), nullptr, nullptr));
  const auto peer = peer_of(served.number());
  ASSERT_TRUE(peer);
  EXPECT_EQ(peer->pid, ::getpid());
  EXPECT_EQ(peer->uid, ::geteuid());
  EXPECT_NE(std::ranges::find(peer->groups, ::getegid()), peer->groups.end());
  EXPECT_FALSE(peer_of(-1));
}

TEST(Peer, RootTheOwnUserAndTheGroupMayComeIn) {
  constexpr gid_t kGroup = 4711;
  const uid_t another = ::geteuid() + 1;
  EXPECT_TRUE(may_come_in({.pid = 1, .uid = 0, .groups = {}}, kGroup));
  EXPECT_TRUE(may_come_in({.pid = 1, .uid = ::geteuid(), .groups = {}}, kGroup));
  EXPECT_TRUE(may_come_in({.pid = 1, .uid = another, .groups = {100, kGroup}}, kGroup));
  EXPECT_FALSE(may_come_in({.pid = 1, .uid = another, .groups = {100, 0}}, kGroup));
  EXPECT_FALSE(may_come_in({.pid = 1, .uid = another, .groups = {}}, kGroup));
}

}  // namespace
}  // namespace strata
