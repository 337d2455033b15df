#include "control/doctor/hugepages.hpp"

#include <algorithm>
#include <charconv>

namespace strata {
namespace {

constexpr std::string_view kFolder = "sys/kernel/mm/hugepages";
constexpr std::uint64_t kUsualKib = 2048;

std::uint64_t size_in_name(std::string_view name) {  // hugepages-2048kB
  std::uint64_t kib = 0;
  const std::size_t dash = name.find('-');
  if (dash != std::string_view::npos) std::from_chars(name.data() + dash + 1, name.data() + name.size(), kib);
  return kib;
}

// As control groups write a size: 2MB, 1GB.
std::string size_text(std::uint64_t kib) {
  if (kib % (1024 * 1024) == 0) return std::to_string(kib / 1024 / 1024) + "GB";
  return kib % 1024 == 0 ? std::to_string(kib / 1024) + "MB" : std::to_string(kib) + "KB";
}

// Octets that a limit still leaves; nothing: there is none. A file that says "max" has no number.
std::optional<std::uint64_t> left_by(const Machine& machine, const std::string& limit, const std::string& used) {
  const auto most = machine.number(limit);
  if (!most) return std::nullopt;
  return *most - std::min(*most, machine.number(used).value_or(0));
}

// The second and the first version of control groups.
std::optional<std::uint64_t> left_to_group(const Machine& machine, std::uint64_t kib) {
  for (const std::string& line : machine.lines("proc/self/cgroup")) {  // 0::/path or 4:hugetlb:/path
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string path = line.substr(second + 1);
    const std::string file = path + "/hugetlb." + size_text(kib);
    std::optional<std::uint64_t> left;
    if (controllers.empty())
      left = left_by(machine, "sys/fs/cgroup" + file + ".max", "sys/fs/cgroup" + file + ".current");
    else if (controllers == "hugetlb")
      left = left_by(machine, "sys/fs/cgroup/hugetlb" + file + ".limit_in_bytes",
                     "sys/fs/cgroup/hugetlb" + file + ".usage_in_bytes");
    if (left) return left;
  }
  return std::nullopt;
}

std::uint64_t mib(const std::vector<HugepageSize>& sizes, std::uint64_t HugepageSize::*pages) {
  std::uint64_t kib = 0;
  for (const HugepageSize& size : sizes) kib += size.kib * (size.*pages);
  return kib / 1024;
}

}  // namespace

std::vector<HugepageSize> hugepage_sizes(const Machine& machine) {
  std::vector<HugepageSize> sizes;
  for (const std::string& name : machine.names(kFolder)) {
    const std::string folder = std::string(kFolder) + "/" + name;
    HugepageSize size{.kib = size_in_name(name),
                      .total = machine.number(folder + "/nr_hugepages").value_or(0),
                      .free = machine.number(folder + "/free_hugepages").value_or(0)};
    if (size.kib == 0) continue;
    const auto left = left_to_group(machine, size.kib);
    size.allowed = left ? std::min(size.free, *left / 1024 / size.kib) : size.free;
    sizes.push_back(size);
  }
  return sizes;
}

std::uint64_t free_mib(const std::vector<HugepageSize>& sizes) { return mib(sizes, &HugepageSize::free); }
std::uint64_t allowed_mib(const std::vector<HugepageSize>& sizes) { return mib(sizes, &HugepageSize::allowed); }

HugepageLack hugepage_lack(const Machine& machine, std::uint64_t megabytes) {
  const std::vector<HugepageSize> sizes = hugepage_sizes(machine);
  const std::uint64_t allowed = allowed_mib(sizes);
  const std::string needed = " of the " + std::to_string(megabytes) + " MiB that eal.memory asks for";
  if (free_mib(sizes) >= megabytes) {
    return {std::to_string(allowed) + " MiB of huge pages are allowed to this control group," + needed,
            "raise the limit hugetlb.2MB of the container or the service"};
  }
  const auto usual = std::ranges::find(sizes, kUsualKib, &HugepageSize::kib);
  const std::uint64_t total = usual == sizes.end() ? 0 : usual->total;
  const std::uint64_t more = ((megabytes - allowed) * 1024 + kUsualKib - 1) / kUsualKib;
  return {std::to_string(allowed) + " MiB of huge pages are free," + needed,
          "sysctl -w vm.nr_hugepages=" + std::to_string(total + more)};
}

}  // namespace strata
