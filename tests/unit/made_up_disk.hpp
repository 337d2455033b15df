// A disk that can end at any moment, with all that a loss of power may leave of what was not synced.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/state/state_files.hpp"

namespace strata::test {

// The folder as the process sees it, and every folder that a loss of power now might leave on the disk.
class MadeUpDisk final : public StateFiles {
 public:
  // From now on so many octets and steps (a step is one) go well; then nothing does.
  void end_after(std::size_t steps) { left_ = steps; }
  bool ended() const { return left_ == 0; }
  void heal() { left_.reset(); }
  std::size_t spent() const { return spent_; }

  std::string path_of(const std::string& name) const override { return "/made/up/" + name; }
  tl::expected<std::optional<std::string>, std::string> read(const std::string& name) override {
    const auto at = seen_.find(name);
    return at == seen_.end() ? std::optional<std::string>() : at->second.text;
  }
  tl::expected<void, std::string> write(const std::string& name, std::string_view text) override {
    if (!step()) return ended_here();
    seen_[name] = {};
    last_ = name;
    for (const char octet : text) {
      if (!step()) return ended_here();
      seen_[name].text += octet;
    }
    return {};
  }
  tl::expected<void, std::string> sync() override {
    if (!step()) return ended_here();
    seen_[last_].synced = true;
    return {};
  }
  tl::expected<void, std::string> rename(const std::string& from, const std::string& to) override {
    if (!step()) return ended_here();
    seen_[to] = seen_[from];
    seen_.erase(from);
    return {};
  }
  tl::expected<void, std::string> sync_folder() override {
    if (!step()) return ended_here();
    on_disk_ = seen_;
    return {};
  }

  // What a start after this may find: kill -9 leaves what the process saw; a loss of power leaves the names as they
  // were synced, or as they are now, each with its content if that was synced, else with none or with half of it.
  std::vector<std::optional<std::string>> left_of(const std::string& name) const {
    std::vector<std::optional<std::string>> all;
    for (const auto* folder : {&seen_, &on_disk_}) {
      const auto at = folder->find(name);
      if (at == folder->end()) {
        all.emplace_back();
        continue;
      }
      all.emplace_back(at->second.text);
      if (at->second.synced) continue;
      all.emplace_back("");
      all.emplace_back(at->second.text.substr(0, at->second.text.size() / 2));
    }
    return all;
  }
  void put(const std::string& name, const std::optional<std::string>& text) {
    seen_.clear();
    if (text) seen_[name] = {.text = *text, .synced = true};
    on_disk_ = seen_;
    left_.reset();
  }

 private:
  struct File {
    std::string text;
    bool synced = false;
  };

  bool step() {
    ++spent_;
    if (!left_) return true;
    if (*left_ == 0) return false;
    --*left_;
    return true;
  }
  static tl::unexpected<std::string> ended_here() { return tl::unexpected(std::string("the disk is full")); }

  std::map<std::string, File> seen_;
  std::map<std::string, File> on_disk_;
  std::string last_;
  std::optional<std::size_t> left_;
  std::size_t spent_ = 0;
};

}  // namespace strata::test
