#include "control/socket/peer.hpp"

#include <grp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

namespace strata {
namespace {

// Beside the first one. The kernel says how many there are when there is too little room.
std::vector<gid_t> more_groups(int fd) {
  std::vector<gid_t> groups(32);
  socklen_t octets = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
  int rc = ::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &octets);
  if (rc != 0 && errno == ERANGE) {
    groups.resize(octets / sizeof(gid_t));
    rc = ::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &octets);
  }
  groups.resize(rc == 0 ? octets / sizeof(gid_t) : 0);
  return groups;
}

}  // namespace

std::optional<Peer> peer_of(int fd) {
  ucred said{};
  socklen_t size = sizeof said;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &said, &size) != 0) return std::nullopt;
  Peer peer{.pid = said.pid, .uid = said.uid, .groups = more_groups(fd)};
  peer.groups.push_back(said.gid);
  return peer;
}

bool is_own(const Peer& peer) { return peer.uid == 0 || peer.uid == ::geteuid(); }

bool may_come_in(const Peer& peer, gid_t group) {
  return is_own(peer) || std::ranges::find(peer.groups, group) != peer.groups.end();
}

tl::expected<gid_t, std::string> group_named(const std::string& name) {
  gid_t number = 0;
  const auto [end, fault] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (fault == std::errc() && end == name.data() + name.size()) return number;
  if (const group* found = ::getgrnam(name.c_str())) return found->gr_gid;
  return tl::unexpected(std::string("this machine has no group '") + name + "'");
}

std::string to_string(const Peer& peer) {
  return "uid " + std::to_string(peer.uid) + ", pid " + std::to_string(peer.pid);
}

}  // namespace strata
