// The user whom a gateway becomes once its devices are open.
#pragma once

#include <sys/types.h>

#include <string>
#include <tl/expected.hpp>
#include <vector>

namespace strata {

struct User {
  std::string name;
  uid_t uid;
  gid_t gid;
  std::vector<gid_t> groups;
};

// One that this process is or may become. Errors: a sentence that says what to do.
tl::expected<User, std::string> find_user(const std::string& name);

// Files that are made meanwhile are the user's, and those that are opened must be open to it. Only while the process
// has one thread. user: nullptr changes nothing.
class ActingAs {
 public:
  explicit ActingAs(const User* user);
  ActingAs(const ActingAs&) = delete;
  ActingAs& operator=(const ActingAs&) = delete;
  ~ActingAs();

 private:
  bool acts_;
};

// What becomes of a folder of root's that is there already.
enum class Existing : bool { left_alone, taken_from_root };

// A folder for the user's files where only root may make one.
void make_folder_for(const User& user, const std::string& path, mode_t mode, Existing existing);

}  // namespace strata
