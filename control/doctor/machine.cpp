#include "control/doctor/machine.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>
#include <system_error>

namespace strata {
namespace {

constexpr unsigned kMostCpus = 8192;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\n";
  const std::size_t first = text.find_first_not_of(kBlank);
  return first == std::string_view::npos ? std::string_view()
                                         : text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() ? std::optional(number) : std::nullopt;
}

}  // namespace

bool Machine::exists(std::string_view path) const {
  std::error_code error;
  return std::filesystem::exists(root_ / path, error);
}

std::optional<Machine::Owned> Machine::owned(std::string_view path) const {
  struct stat status {};
  if (::stat((root_ / path).c_str(), &status) != 0) return std::nullopt;
  return Owned{.user = status.st_uid, .mode = status.st_mode & 07777, .is_folder = S_ISDIR(status.st_mode)};
}

bool Machine::is_open_to_us(std::string_view path) const { return ::access((root_ / path).c_str(), R_OK | W_OK) == 0; }

std::optional<std::string> Machine::text(std::string_view path) const {
  std::ifstream file(root_ / path);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) return std::nullopt;
  return std::string(trimmed(text.view()));
}

std::optional<std::uint64_t> Machine::number(std::string_view path) const {
  const std::optional<std::string> found = text(path);
  return found ? parse_number(*found) : std::nullopt;
}

std::vector<std::string> Machine::lines(std::string_view path) const {
  std::vector<std::string> found;
  std::ifstream file(root_ / path);
  for (std::string line; std::getline(file, line);) found.push_back(line);
  return found;
}

std::string Machine::value(std::string_view path, std::string_view key) const {
  for (const std::string& line : lines(path)) {
    const std::size_t colon = line.find(':');
    if (colon != std::string::npos && trimmed(std::string_view(line).substr(0, colon)) == key)
      return std::string(trimmed(std::string_view(line).substr(colon + 1)));
  }
  return {};
}

std::vector<std::string> Machine::names(std::string_view folder) const {
  std::vector<std::string> found;
  std::error_code error;
  std::filesystem::directory_iterator at(root_ / folder, error);
  for (; !error && at != std::filesystem::directory_iterator(); at.increment(error))
    found.push_back(at->path().filename());
  std::ranges::sort(found);
  return found;
}

std::string Machine::link_end(std::string_view path) const {
  std::error_code error;
  return std::filesystem::read_symlink(root_ / path, error).filename();
}

std::set<unsigned> Machine::cpus(std::string_view path) const { return parse_cpus(text(path).value_or("")); }

std::set<unsigned> parse_cpus(std::string_view list) {
  std::set<unsigned> cpus;
  while (!list.empty()) {
    const std::string_view range = list.substr(0, list.find(','));
    const std::size_t dash = range.find('-');
    const auto first = parse_number(range);
    const auto last = dash == std::string_view::npos ? first : parse_number(range.substr(dash + 1));
    if (first && last)
      for (std::uint64_t cpu = *first; cpu <= *last && cpu < kMostCpus; ++cpu) cpus.insert(static_cast<unsigned>(cpu));
    list.remove_prefix(std::min(range.size() + 1, list.size()));
  }
  return cpus;
}

}  // namespace strata
