#include "control/device_name.hpp"

#include <algorithm>
#include <charconv>
#include <regex>

namespace strata {

bool is_pci(std::string_view device) {
  static const std::regex pattern("([0-9a-fA-F]{1,8}:)?[0-9a-fA-F]{1,2}:[0-9a-fA-F]{1,2}\\.[0-7](,.*)?");
  return std::regex_match(device.begin(), device.end(), pattern);
}

std::string name_of_device(std::string_view device) {
  std::string name(device.substr(0, device.find(',')));
  const bool no_domain = is_pci(name) && std::ranges::count(name, ':') == 1;
  return no_domain ? "0000:" + name : name;
}

std::string driver_of_device(std::string_view device) {
  const std::string name = name_of_device(device);
  return name.substr(0, name.find_last_not_of("0123456789") + 1);
}

std::vector<std::string> arguments_of_device(std::string_view device, std::string_view key) {
  const std::string start = "," + std::string(key) + "=";
  std::vector<std::string> values;
  for (std::size_t at = device.find(start); at != std::string_view::npos; at = device.find(start, at + 1)) {
    const std::string_view value = device.substr(at + start.size());
    values.emplace_back(value.substr(0, value.find(',')));
  }
  return values;
}

std::optional<std::string> argument_of_device(std::string_view device, std::string_view key) {
  const std::vector<std::string> values = arguments_of_device(device, key);
  return values.empty() ? std::nullopt : std::optional(values.back());
}

std::optional<unsigned> number_of_device(std::string_view device, std::string_view key) {
  const std::optional<std::string> text = argument_of_device(device, key);
  if (!text) return std::nullopt;
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  return error == std::errc() ? std::optional(number) : std::nullopt;
}

}  // namespace strata
