#include <charconv>

#include "control/doctor/hugepages.hpp"
#include "control/doctor/parts.hpp"

namespace strata::doctor {
namespace {

std::uint64_t available_mib(const Machine& machine) {
  const std::string text = machine.value("proc/meminfo", "MemAvailable");
  std::uint64_t kib = 0;
  std::from_chars(text.data(), text.data() + text.size(), kib);
  return kib / 1024;
}

void examine_ordinary(const Machine& machine, std::uint64_t megabytes, Findings& findings) {
  const std::uint64_t available = available_mib(machine);
  if (available >= megabytes) return;
  findings.push_back({Grade::stops,
                      "memory",
                      std::to_string(available) + " MiB are available, of the " + std::to_string(megabytes) +
                          " MiB that eal.memory asks for",
                      {"lower eal.memory, or end other programs"}});
}

}  // namespace

void examine_memory(const Machine& machine, const config::Eal& eal, Findings& findings) {
  if (eal.hugepages == config::Hugepages::never) return examine_ordinary(machine, eal.memory, findings);
  const std::uint64_t allowed = allowed_mib(hugepage_sizes(machine));
  if (allowed >= eal.memory) {
    findings.push_back({Grade::fine,
                        "huge pages",
                        std::to_string(allowed) + " MiB are free, " + std::to_string(eal.memory) + " MiB are needed",
                        {}});
    return;
  }
  const HugepageLack lack = hugepage_lack(machine, eal.memory);
  const bool required = eal.hugepages == config::Hugepages::required;
  findings.push_back({required ? Grade::stops : Grade::warning,
                      "huge pages",
                      lack.sentence + (required ? "" : "; ordinary memory is used, which is slower"),
                      {lack.mend}});
  if (!required) examine_ordinary(machine, eal.memory, findings);
}

}  // namespace strata::doctor
