#include "control/eal.hpp"

#include <rte_eal.h>
#include <rte_errno.h>
#include <sched.h>
#include <unistd.h>

#include <cstdlib>
#include <vector>

namespace strata {
namespace {

// EAL insists on processors by number; a container may have been given any.
int first_allowed_cpu() {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return 0;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &allowed)) return cpu;
  return 0;
}

// EAL keeps its sockets and locks in a folder of its own even when told to share nothing.
void give_runtime_folder() {
  if (geteuid() == 0 || std::getenv("XDG_RUNTIME_DIR") != nullptr) return;
  setenv("XDG_RUNTIME_DIR", "/tmp", 0);
}

}  // namespace

tl::expected<void, std::string> start_eal_offline(unsigned megabytes) {
  give_runtime_folder();
  std::vector<std::string> words{"strata",
                                 "--no-huge",
                                 "-m",
                                 std::to_string(megabytes),
                                 "--no-pci",
                                 "--no-telemetry",
                                 "--no-shconf",
                                 "--lcores",
                                 "0@" + std::to_string(first_allowed_cpu()),
                                 "--file-prefix",
                                 "strata-" + std::to_string(getpid()),
                                 "--log-level",
                                 "*:error"};
  std::vector<char*> argv;
  argv.reserve(words.size());
  for (std::string& word : words) argv.push_back(word.data());
  if (rte_eal_init(static_cast<int>(argv.size()), argv.data()) < 0) {
    return tl::unexpected(std::string("DPDK does not start: ") + rte_strerror(rte_errno) + "; it wants " +
                          std::to_string(megabytes) + " MiB of memory");
  }
  return {};
}

}  // namespace strata
