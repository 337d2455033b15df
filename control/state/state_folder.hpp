// The files of a state in a folder of the disk, locked for this process.
#pragma once

#include <utility>

#include "control/descriptor.hpp"
#include "control/state/state_files.hpp"

namespace strata {

class StateFolder final : public StateFiles {
 public:
  // Makes the folder if its parent is there. It must belong to the caller or root, and nobody else may write to it. The
  // lock goes with the process. Errors: a sentence that says what to do.
  static tl::expected<std::unique_ptr<StateFolder>, std::string> open(const std::string& path);

  std::string path_of(const std::string& name) const override { return path_ + "/" + name; }
  tl::expected<std::optional<std::string>, std::string> read(const std::string& name) override;
  tl::expected<void, std::string> write(const std::string& name, std::string_view text) override;
  tl::expected<void, std::string> sync() override;
  tl::expected<void, std::string> rename(const std::string& from, const std::string& to) override;
  tl::expected<void, std::string> sync_folder() override;

 private:
  StateFolder(std::string path, Descriptor folder, Descriptor lock)
      : path_(std::move(path)), folder_(std::move(folder)), lock_(std::move(lock)) {}
  Descriptor open_file(const std::string& name, int flags) const;
  tl::unexpected<std::string> failed(const std::string& name) const;

  std::string path_;
  Descriptor folder_;
  Descriptor lock_;
  // Of the file written last: an error of the disk is told to who had the file open meanwhile.
  Descriptor written_{-1};
  std::string written_name_;
};

}  // namespace strata
