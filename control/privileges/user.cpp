#include "control/privileges/user.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

namespace strata {
namespace {

std::vector<gid_t> groups_of(const char* name, gid_t first) {
  int count = 64;
  std::vector<gid_t> groups(static_cast<std::size_t>(count));
  if (getgrouplist(name, first, groups.data(), &count) < 0) {
    groups.resize(static_cast<std::size_t>(count));
    getgrouplist(name, first, groups.data(), &count);
  }
  groups.resize(static_cast<std::size_t>(count));
  return groups;
}

}  // namespace

tl::expected<User, std::string> find_user(const std::string& name) {
  const passwd* entry = ::getpwnam(name.c_str());
  if (entry == nullptr)
    return tl::unexpected("user " + name + " is not known on this machine; make it (adduser --system --group " + name +
                          "), or name another one in --user");
  if (entry->pw_uid == 0)
    return tl::unexpected("user " + name + " is root; name one without rights of its own, or leave --user out");
  if (::geteuid() != 0 && ::geteuid() != entry->pw_uid)
    return tl::unexpected("only root can become user " + name + ", and this is user " + std::to_string(::geteuid()) +
                          "; be root or " + name + ", or leave --user out");
  return User{name, entry->pw_uid, entry->pw_gid, groups_of(entry->pw_name, entry->pw_gid)};
}

ActingAs::ActingAs(const User* user) : acts_(user != nullptr && ::geteuid() == 0) {
  if (!acts_) return;
  // root may, and whoever else it becomes could not come back from half of it.
  if (::setgroups(user->groups.size(), user->groups.data()) != 0 || ::setegid(user->gid) != 0 ||
      ::seteuid(user->uid) != 0)
    std::abort();
}

ActingAs::~ActingAs() {
  if (acts_ && (::seteuid(0) != 0 || ::setegid(0) != 0 || ::setgroups(0, nullptr) != 0)) std::abort();
}

void make_folder_for(const User& user, const std::string& path, mode_t mode, Existing existing) {
  if (::geteuid() != 0) return;
  const bool made = ::mkdir(path.c_str(), mode) == 0;
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0 || !S_ISDIR(status.st_mode) || status.st_uid != 0) return;
  // What cannot be given away is told by who then cannot write there.
  if (made || existing == Existing::taken_from_root) [[maybe_unused]]
    const int rc = ::lchown(path.c_str(), user.uid, user.gid);
}

}  // namespace strata
