#include "control/doctor/network.hpp"

#include <charconv>
#include <sstream>

namespace strata::doctor {
namespace {

std::string folder(const std::string& name) { return "sys/class/net/" + name + "/"; }

}  // namespace

// proc is always that of our own namespace; sys that of whoever mounted it.
bool has_interface(const Machine& machine, const std::string& name) {
  return !machine.value("proc/net/dev", name).empty();
}

bool is_up(const Machine& machine, const std::string& name) {
  constexpr unsigned kUp = 1;  // IFF_UP
  const std::string text = machine.text(folder(name) + "flags").value_or("0x0");
  unsigned flags = 0;
  std::from_chars(text.data() + 2, text.data() + text.size(), flags, 16);
  return (flags & kUp) != 0;
}

// An interface with an IPv4 address has a route to its own subnet.
bool has_address(const Machine& machine, const std::string& name) {
  for (const std::string& line : machine.lines("proc/net/route"))
    if (line.starts_with(name + "\t")) return true;
  for (const std::string& line : machine.lines("proc/net/if_inet6")) {
    std::istringstream words(line);
    std::string address, index, length, scope, flags, interface;
    words >> address >> index >> length >> scope >> flags >> interface;
    if (interface == name && scope != "20") return true;  // 20: of the link
  }
  return false;
}

std::string other_end(const Machine& machine, const std::string& name) {
  const auto own = machine.number(folder(name) + "ifindex");
  const auto other = machine.number(folder(name) + "iflink");
  if (!own || !other || machine.exists(folder(name) + "device")) return {};
  const std::string kind = machine.text(folder(name) + "uevent").value_or("");
  if (kind.find("DEVTYPE=") != std::string::npos || machine.exists(folder(name) + "tun_flags")) return {};
  // Numbers are each namespace's own: two that name each other are joined here.
  for (const std::string& candidate : machine.names("sys/class/net")) {
    if (candidate != name && machine.number(folder(candidate) + "ifindex") == other &&
        machine.number(folder(candidate) + "iflink") == own)
      return candidate;
  }
  return "another namespace's";
}

}  // namespace strata::doctor
