#include "replay/same_file.hpp"

#include <sys/stat.h>

#include <filesystem>
#include <map>
#include <optional>
#include <tuple>

namespace strata::replay {
namespace {

constexpr int kMostLinks = 40;  // as many as Linux follows

// A file; one that is not there yet is its folder and the name it will have in it.
using Place = std::tuple<dev_t, ino_t, std::string>;

// A link may point at a file that is not there: opening the link for writing makes that file.
std::filesystem::path end_of_links(std::filesystem::path path) {
  for (int i = 0; i < kMostLinks; ++i) {
    std::error_code no_link;
    const std::filesystem::path target = std::filesystem::read_symlink(path, no_link);
    if (no_link) break;
    path = path.parent_path() / target;  // the target alone when it is absolute
  }
  return path;
}

// Nothing: no regular file, or none that could be opened.
std::optional<Place> place_of(const std::string& file) {
  struct stat status {};
  if (stat(file.c_str(), &status) == 0) {
    if (!S_ISREG(status.st_mode)) return std::nullopt;
    return Place(status.st_dev, status.st_ino, "");
  }
  const std::filesystem::path path = end_of_links(file);
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  if (stat(folder.c_str(), &status) != 0) return std::nullopt;
  return Place(status.st_dev, status.st_ino, path.filename().string());
}

}  // namespace

tl::expected<void, std::string> keep_apart(const std::vector<NamedFile>& read, const std::vector<NamedFile>& written) {
  std::map<Place, std::string> sources;
  for (const NamedFile& one : read)
    if (const auto place = place_of(one.file)) sources.emplace(*place, one.name);
  std::map<Place, std::string> targets;
  for (const NamedFile& one : written) {
    const auto place = place_of(one.file);
    if (!place) continue;
    if (const auto source = sources.find(*place); source != sources.end())
      return tl::unexpected(one.name + " and " + source->second + " are the same file, which would be overwritten");
    if (const auto [target, added] = targets.emplace(*place, one.name); !added)
      return tl::unexpected(target->second + " and " + one.name +
                            " are the same file, which holds what leaves one port");
  }
  return {};
}

}  // namespace strata::replay
