// A state that ends with the process: what is remembered of keys while a gateway runs that is to keep nothing.
#pragma once

#include <map>

#include "control/state/state_files.hpp"

namespace strata {

class VolatileFiles final : public StateFiles {
 public:
  std::string path_of(const std::string& name) const override { return name; }
  tl::expected<std::optional<std::string>, std::string> read(const std::string& name) override {
    const auto at = files_.find(name);
    return at == files_.end() ? std::optional<std::string>() : at->second;
  }
  tl::expected<void, std::string> write(const std::string& name, std::string_view text) override {
    files_[name] = text;
    return {};
  }
  tl::expected<void, std::string> sync() override { return {}; }
  tl::expected<void, std::string> rename(const std::string& from, const std::string& to) override {
    files_[to] = std::move(files_[from]);
    files_.erase(from);
    return {};
  }
  tl::expected<void, std::string> sync_folder() override { return {}; }

 private:
  std::map<std::string, std::string> files_;
};

}  // namespace strata
