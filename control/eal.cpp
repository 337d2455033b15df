#include "control/eal.hpp"

#include <fcntl.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_memory.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <system_error>
#include <vector>

#include "control/device_name.hpp"
#include "control/doctor/hugepages.hpp"
#include "control/log.hpp"

namespace strata {
namespace {

// EAL insists on processors by number; a container may have been given any.
std::vector<int> allowed_cpus() {
  std::vector<int> cpus;
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) {
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
      if (CPU_ISSET(cpu, &allowed)) cpus.push_back(cpu);
  }
  if (cpus.empty()) cpus.push_back(0);
  return cpus;
}

// Any of those allowed, as the system likes.
std::string any_cpu() {
  std::string list;
  for (const int cpu : allowed_cpus()) list += (list.empty() ? "(" : ",") + std::to_string(cpu);
  return list + ")";
}

// The main lcore decides and tells, and takes no worker's CPU for itself: the system places it. Unless CPUs are said it
// places the workers too: two gateways of one machine would else share the first ones.
std::string lcores_for(const config::Workers& workers) {
  std::string list = "0@" + any_cpu();
  for (std::uint32_t i = 0; i < workers.count; ++i)
    list += "," + std::to_string(i + 1) + "@" + (workers.cpus.empty() ? any_cpu() : std::to_string(workers.cpus[i]));
  return list;
}

// Whether to use huge pages.
tl::expected<bool, std::string> choose_hugepages(const config::Eal& eal) {
  if (eal.hugepages == config::Hugepages::never) return false;
  const Machine machine;
  if (allowed_mib(hugepage_sizes(machine)) >= eal.memory) return true;
  const HugepageLack lack = hugepage_lack(machine, eal.memory);
  if (eal.hugepages == config::Hugepages::required)
    return tl::unexpected(lack.sentence + "; mend it as root with: " + lack.mend);
  log_line(lack.sentence + "; ordinary memory is used, which is slower; mend it as root with: " + lack.mend);
  return false;
}

// EAL makes a folder for its sockets and locks, and leaves it, even when told to share nothing and so has none of them:
// it gets one of our own, which is needed only while EAL starts. RUNTIME_DIRECTORY is what EAL asks for first, for root
// and everybody else (otherwise /var/run, XDG_RUNTIME_DIR or /tmp, where another user's may be in the way).
class RuntimeFolder {
 public:
  static tl::expected<RuntimeFolder, std::string> create() {
    std::error_code error;
    const std::filesystem::path parent = std::filesystem::temp_directory_path(error);
    if (error) return tl::unexpected("no folder for temporary files, TMPDIR or /tmp: " + error.message());
    std::string path = (parent / "strata-eal-XXXXXX").string();
    if (mkdtemp(path.data()) == nullptr)
      return tl::unexpected("no folder for temporary files: " + path + ": " + std::generic_category().message(errno));
    return RuntimeFolder(path);
  }
  RuntimeFolder(RuntimeFolder&& other) noexcept
      : path_(std::exchange(other.path_, {})), before_(std::move(other.before_)) {}
  RuntimeFolder& operator=(RuntimeFolder&&) = delete;
  ~RuntimeFolder() {
    if (path_.empty()) return;
    if (before_)
      setenv(kVariable, before_->c_str(), 1);
    else
      unsetenv(kVariable);
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

 private:
  static constexpr const char* kVariable = "RUNTIME_DIRECTORY";
  explicit RuntimeFolder(const std::string& path) : path_(path) {
    if (const char* before = std::getenv(kVariable)) before_ = before;
    setenv(kVariable, path.c_str(), 1);
  }
  std::string path_;
  std::optional<std::string> before_;
};

// What EAL needs in any case to share nothing with other programs and to leave nothing behind.
std::vector<std::string> usual_words(const std::string& lcores) {
  return {"strata", "--no-telemetry", "--lcores", lcores, "--file-prefix", "strata-" + std::to_string(getpid())};
}

// Where DPDK's programs look for a telemetry socket: the gateway's name is the prefix that they are given.
std::vector<std::string> words_with_telemetry(const std::string& lcores, const std::string& name) {
  return {"strata", "--lcores", lcores, "--file-prefix", name};
}

// Standard output is the report's: what EAL prints there, its options above all when one of them is wrong, goes to
// standard error.
class StandardOutputAside {
 public:
  StandardOutputAside() : kept_(fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)) {
    (void)std::fflush(stdout);
    if (kept_ >= 0) dup2(STDERR_FILENO, STDOUT_FILENO);
  }
  StandardOutputAside(const StandardOutputAside&) = delete;
  StandardOutputAside& operator=(const StandardOutputAside&) = delete;
  ~StandardOutputAside() {
    (void)std::fflush(stdout);
    if (kept_ < 0) return;
    dup2(kept_, STDOUT_FILENO);
    close(kept_);
  }

 private:
  int kept_;
};

void leave_out(const void* memory, std::size_t size) {
  // It fails on kernels that know no cores, and only there.
  [[maybe_unused]] const int rc = ::madvise(const_cast<void*>(memory), size, MADV_DONTDUMP);
}

int leave_out_segments(const rte_memseg_list*, const rte_memseg* first, std::size_t size, void*) {
  leave_out(first->addr, size);
  return 0;
}

void on_memory(rte_mem_event event, const void* memory, std::size_t size, void*) {
  if (event == RTE_MEM_EVENT_ALLOC) leave_out(memory, size);
}

// Packets, opened ones too, are in what there is and in what is asked for later.
void keep_packets_out_of_cores() {
  // Ordinary memory has no events: it never grows.
  [[maybe_unused]] const int rc = rte_mem_event_callback_register("strata-cores", on_memory, nullptr);
  rte_memseg_contig_walk(leave_out_segments, nullptr);
}

bool started_with(std::vector<std::string> words) {
  const StandardOutputAside aside;
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  return rte_eal_init(static_cast<int>(argv.size()), argv.data()) >= 0;
}

void append(std::vector<std::string>& words, std::initializer_list<std::string> more) {
  words.insert(words.end(), more);
}

void append_memory(std::vector<std::string>& words, bool hugepages, std::uint32_t megabytes) {
  if (hugepages)
    append(words, {"--in-memory"});
  else
    append(words, {"--no-huge", "--no-shconf"});
  append(words, {"-m", std::to_string(megabytes)});
}

// A device that is none of PCI's is made by EAL.
void append_devices(std::vector<std::string>& words, const config::Config& config) {
  bool any_pci = false;
  for (const config::Port& port : config.ports) {
    const bool pci = is_pci(port.device);
    any_pci = any_pci || pci;
    append(words, {pci ? "-a" : "--vdev", port.device});
  }
  if (!any_pci) append(words, {"--no-pci"});
}

}  // namespace

tl::expected<Eal, std::string> Eal::start_offline(unsigned megabytes, Pages pages) {
  const auto folder = RuntimeFolder::create();
  if (!folder) return tl::unexpected(folder.error());
  std::vector<std::string> words = usual_words("0@" + std::to_string(allowed_cpus().front()));
  append(words, {"--no-pci", "--log-level", "*:error"});
  append_memory(words, pages == Pages::huge, megabytes);
  if (!started_with(std::move(words))) {
    return tl::unexpected(std::string("DPDK does not start: ") + rte_strerror(rte_errno) + "; it wants " +
                          std::to_string(megabytes) + " MiB of memory");
  }
  return Eal();
}

tl::expected<Eal, std::string> Eal::start_live(const config::Config& config, const std::vector<std::string>& words) {
  const auto hugepages = choose_hugepages(config.eal);
  if (!hugepages) return tl::unexpected(hugepages.error());
  std::optional<RuntimeFolder> folder;
  if (!config.metrics.telemetry) {
    auto made = RuntimeFolder::create();
    if (!made) return tl::unexpected(made.error());
    folder.emplace(std::move(*made));
  }
  const std::string lcores = lcores_for(config.workers);
  std::vector<std::string> all = folder ? usual_words(lcores) : words_with_telemetry(lcores, config.name);
  append_memory(all, *hugepages, config.eal.memory);
  append_devices(all, config);
  append(all, {"--log-level", "*:warning"});
  all.insert(all.end(), config.eal.arguments.begin(), config.eal.arguments.end());
  all.insert(all.end(), words.begin(), words.end());
  std::string told;
  for (std::size_t i = 1; i < all.size(); ++i) told += " " + all[i];
  if (!started_with(std::move(all))) {
    return tl::unexpected(std::string("DPDK does not start: ") + rte_strerror(rte_errno) +
                          "; its own lines above say more; it was given:" + told);
  }
  keep_packets_out_of_cores();
  return Eal();
}

Eal::~Eal() {
  if (started_) rte_eal_cleanup();
}

tl::expected<void, std::string> start_eal_offline(unsigned megabytes) {
  static const auto kept = Eal::start_offline(megabytes);
  if (!kept) return tl::unexpected(kept.error());
  return {};
}

}  // namespace strata
