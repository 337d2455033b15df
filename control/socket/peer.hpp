// Who is at the other end of a Unix socket, as the kernel says (SO_PEERCRED).
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace strata {

struct Peer {
  pid_t pid;
  uid_t uid;
  std::vector<gid_t> groups;  // all of them
};

// Nothing: the kernel does not say.
std::optional<Peer> peer_of(int fd);

// root, this process's own user, or who is in the group.
bool may_come_in(const Peer& peer, gid_t group);

// "uid 1000, pid 4711"
std::string to_string(const Peer& peer);

}  // namespace strata
