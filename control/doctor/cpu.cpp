#include <sstream>

#include "control/doctor/parts.hpp"

namespace strata::doctor {
namespace {

std::set<std::string> flags_of(const Machine& machine) {
  std::istringstream words(machine.value("proc/cpuinfo", "flags"));
  return {std::istream_iterator<std::string>(words), {}};
}

std::string best_of(const std::set<std::string>& flags) {
  if (flags.contains("avx512f") && flags.contains("vaes") && flags.contains("vpclmulqdq"))
    return "AVX-512 with VAES, the fastest it has";
  if (flags.contains("avx512f")) return "AVX-512 without VAES";
  return flags.contains("avx2") ? "AVX2" : "SSE4.2, a quarter of what AVX-512 gives";
}

void examine_instructions(const Machine& machine, Findings& findings) {
  const std::set<std::string> flags = flags_of(machine);
  std::string missing;
  for (const char* flag : {"sse4_2", "aes", "pclmulqdq"})
    if (!flags.contains(flag)) missing += (missing.empty() ? "" : ", ") + std::string(flag);
  if (missing.empty()) {
    findings.push_back({Grade::fine, "CPU", "intel-ipsec-mb encrypts with " + best_of(flags), {}});
    return;
  }
  findings.push_back({Grade::stops,
                      "CPU",
                      "intel-ipsec-mb needs instructions that it lacks: " + missing,
                      {"another CPU; for a virtual machine, let it see the host's (qemu: -cpu host)"}});
}

void examine_core(const Machine& machine, unsigned core, Findings& findings) {
  const std::string about = "CPU " + std::to_string(core);
  const std::string allowed = machine.value("proc/self/status", "Cpus_allowed_list");
  if (!parse_cpus(allowed).contains(core)) {
    findings.push_back({Grade::stops,
                        about,
                        "workers.cpus names it, but this process may use only " + allowed,
                        {"name one of these, or allow it: taskset -c " + std::to_string(core) + " strata run ..."}});
    return;
  }
  if (!machine.cpus("sys/devices/system/cpu/isolated").contains(core)) {
    findings.push_back({Grade::hint,
                        about,
                        "other programs may run on it too, and its worker waits for them",
                        {"on the kernel's command line: isolcpus=" + std::to_string(core)}});
  }
}

void examine_governor(const Machine& machine, unsigned core, Findings& findings) {
  const std::string file = "sys/devices/system/cpu/cpu" + std::to_string(core) + "/cpufreq/scaling_governor";
  const auto governor = machine.text(file);
  if (!governor || *governor == "performance") return;
  findings.push_back({Grade::hint,
                      "CPU " + std::to_string(core),
                      "its frequency governor is " + *governor,
                      {"echo performance > /" + file}});
}

void examine_threads(const Machine& machine, unsigned core, unsigned other, Findings& findings) {
  const std::string siblings = "sys/devices/system/cpu/cpu" + std::to_string(core) + "/topology/thread_siblings_list";
  if (!machine.cpus(siblings).contains(other)) return;
  findings.push_back({Grade::hint,
                      "CPU " + std::to_string(core) + " and " + std::to_string(other),
                      "they are two threads of one core, and two workers there do little more than one",
                      {"name one CPU of each core: cat /" + siblings}});
}

// What one worker hands over to another goes from core to core by cache lines, through a cache that both have several
// times as fast (docs/performance.md).
void examine_distance(const Machine& machine, unsigned first, unsigned other, Findings& findings) {
  const std::string sharing = "sys/devices/system/cpu/cpu" + std::to_string(first) + "/cache/index3/shared_cpu_list";
  const std::set<unsigned> near = machine.cpus(sharing);
  if (near.empty() || near.contains(other)) return;
  findings.push_back({Grade::hint,
                      "CPU " + std::to_string(first) + " and " + std::to_string(other),
                      "they share no third-level cache, and what one worker hands over to the other comes late",
                      {"name CPUs that share one: cat /" + sharing}});
}

}  // namespace

void examine_cpus(const Machine& machine, const config::Workers& workers, Findings& findings) {
  examine_instructions(machine, findings);
  for (const std::uint32_t cpu : workers.cpus) {
    examine_core(machine, cpu, findings);
    examine_governor(machine, cpu, findings);
    if (cpu != workers.cpus.front()) examine_distance(machine, workers.cpus.front(), cpu, findings);
    for (const std::uint32_t before : workers.cpus) {
      if (before == cpu) break;
      examine_threads(machine, before, cpu, findings);
    }
  }
}

}  // namespace strata::doctor
