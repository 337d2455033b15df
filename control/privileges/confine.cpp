#include "control/privileges/confine.hpp"

#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "control/privileges/every_thread.hpp"
#include "control/privileges/syscall_filter.hpp"

namespace strata {
namespace {

using Status = tl::expected<void, std::string>;
using Words = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;

tl::unexpected<std::string> failed(const std::string& what) {
  return tl::unexpected(what + ": " + std::generic_category().message(errno));
}

// Of this thread, as the kernel keeps them. 0, or an errno.
int get_capabilities(Words& words) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  return ::syscall(SYS_capget, &header, words.data()) == 0 ? 0 : errno;
}

int set_capabilities(const Words& words) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  return ::syscall(SYS_capset, &header, words.data()) == 0 ? 0 : errno;
}

int give_up_all_capabilities() { return set_capabilities(Words{}); }

int keep_of_mine(Capabilities kept) {
  Words words{};
  if (const int error = get_capabilities(words); error != 0) return error;
  for (std::size_t i = 0; i < words.size(); ++i) {
    words[i].permitted &= static_cast<std::uint32_t>(kept >> (32 * i));
    words[i].effective = words[i].permitted;
    words[i].inheritable = 0;
  }
  return set_capabilities(words);
}

// A NIC's memory is locked, and a limit that does not count for root would count from now on.
void keep_locking() {
  const rlimit none{RLIM_INFINITY, RLIM_INFINITY};
  [[maybe_unused]] const int rc = ::setrlimit(RLIMIT_MEMLOCK, &none);
}

// glibc sees to it that all threads change.
Status become(const User& user) {
  if (::geteuid() == user.uid && ::getuid() == user.uid) return {};
  keep_locking();
  // Else the thread would lose with the user what it is to keep.
  if (::prctl(PR_SET_KEEPCAPS, 1) != 0) return failed("prctl PR_SET_KEEPCAPS");
  if (::setgroups(user.groups.size(), user.groups.data()) != 0) return failed("setgroups");
  if (::setresgid(user.gid, user.gid, user.gid) != 0) return failed("setresgid");
  if (::setresuid(user.uid, user.uid, user.uid) != 0) return failed("setresuid");
  if (::prctl(PR_SET_KEEPCAPS, 0) != 0) return failed("prctl PR_SET_KEEPCAPS");
  return {};
}

Status confined(const User& user, Capabilities kept) {
  if (auto done = become(user); !done) return done;
  if (auto done = in_every_other_thread(&give_up_all_capabilities); !done) return done;
  if (const int error = keep_of_mine(kept); error != 0) {
    errno = error;
    return failed("capset");
  }
  if (auto done = refuse_programs(); !done) return done;
  return leave_no_core();
}

}  // namespace

Status leave_no_core() {
  if (::prctl(PR_SET_DUMPABLE, 0) != 0) return failed("prctl PR_SET_DUMPABLE");
  return {};
}

Status confine(const User& user, Capabilities kept) {
  auto done = confined(user, kept);
  if (done) return done;
  return tl::unexpected("the process cannot be confined to user " + user.name + ": " + done.error());
}

}  // namespace strata
