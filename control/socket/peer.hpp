// Who is at the other end of a Unix socket, as the kernel says (SO_PEERCRED).
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

namespace strata {

struct Peer {
  pid_t pid;
  uid_t uid;
  std::vector<gid_t> groups;  // all of them
};

// Nothing: the kernel does not say.
std::optional<Peer> peer_of(int fd);

// root, or this process's own user.
bool is_own(const Peer& peer);

// And who is in the group.
bool may_come_in(const Peer& peer, gid_t group);

// A group of this machine by its name or its number. The error says that there is none.
tl::expected<gid_t, std::string> group_named(const std::string& name);

// "uid 1000, pid 4711"
std::string to_string(const Peer& peer);

}  // namespace strata
