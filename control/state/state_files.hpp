// What a state is kept by: files of one folder, replaced as wholes so that a crash at any moment leaves an old or a new
// one.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace strata {

// Errors: a sentence with the path in it.
class StateFiles {
 public:
  StateFiles() = default;
  StateFiles(const StateFiles&) = delete;
  StateFiles& operator=(const StateFiles&) = delete;
  virtual ~StateFiles() = default;

  virtual std::string path_of(const std::string& name) const = 0;
  // Nothing: there is no such file.
  virtual tl::expected<std::optional<std::string>, std::string> read(const std::string& name) = 0;
  // A new file, or a new content from its start; it is on the disk after sync() alone, which is for the one written
  // last.
  virtual tl::expected<void, std::string> write(const std::string& name, std::string_view text) = 0;
  virtual tl::expected<void, std::string> sync() = 0;
  // In the place of what has that name; this is on the disk after sync_folder() alone.
  virtual tl::expected<void, std::string> rename(const std::string& from, const std::string& to) = 0;
  virtual tl::expected<void, std::string> sync_folder() = 0;
};

// When this returns without an error the file has this content, also after a loss of power. With an error, or when it
// is cut short, it has this or the one before.
tl::expected<void, std::string> replace(StateFiles& files, const std::string& name, std::string_view text);

}  // namespace strata
