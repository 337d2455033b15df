#include "control/machine.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <regex>
#include <system_error>

namespace strata {
namespace {

// The number at the start of a file; 0 when there is none.
std::uint64_t number_in(const std::filesystem::path& file) {
  std::ifstream stream(file);
  std::uint64_t number = 0;
  stream >> number;
  return stream ? number : 0;
}

}  // namespace

bool is_pci(std::string_view device) {
  static const std::regex pattern("([0-9a-fA-F]{1,8}:)?[0-9a-fA-F]{1,2}:[0-9a-fA-F]{1,2}\\.[0-7](,.*)?");
  return std::regex_match(device.begin(), device.end(), pattern);
}

std::string name_of_device(std::string_view device) {
  std::string name(device.substr(0, device.find(',')));
  if (!is_pci(name)) return name;
  return std::count(name.begin(), name.end(), ':') == 1 ? "0000:" + name : name;
}

std::optional<unsigned> number_of(std::string_view device, std::string_view argument) {
  const std::string key = "," + std::string(argument) + "=";
  const std::size_t at = device.find(key);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view text = device.substr(at + key.size());
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() ? std::optional(number) : std::nullopt;
}

std::uint64_t free_hugepage_mib(const std::filesystem::path& root) {
  std::uint64_t kib = 0;
  std::error_code none;
  for (const auto& folder : std::filesystem::directory_iterator(root / "sys/kernel/mm/hugepages", none)) {
    const std::string name = folder.path().filename();  // hugepages-2048kB
    const std::size_t digits = name.find('-') + 1;
    std::uint64_t size = 0;
    std::from_chars(&name[digits], name.data() + name.size(), size);
    kib += size * number_in(folder.path() / "free_hugepages");
  }
  return kib / 1024;
}

std::string hugepages_command(std::uint64_t megabytes) {
  return "echo " + std::to_string((megabytes + 1) / 2) + " > /proc/sys/vm/nr_hugepages";
}

}  // namespace strata
