#include "control/state/state_files.hpp"

namespace strata {

// The content before the name: after a loss of power a new name without its content would be an empty file.
tl::expected<void, std::string> replace(StateFiles& files, const std::string& name, std::string_view text) {
  const std::string made = name + ".new";
  if (auto done = files.write(made, text); !done) return done;
  if (auto done = files.sync(); !done) return done;
  if (auto done = files.rename(made, name); !done) return done;
  return files.sync_folder();
}

}  // namespace strata
