#include "control/eal.hpp"

#include <rte_eal.h>
#include <rte_errno.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <system_error>
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

}  // namespace

tl::expected<Eal, std::string> Eal::start_offline(unsigned megabytes) {
  const auto folder = RuntimeFolder::create();
  if (!folder) return tl::unexpected(folder.error());
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
  for (std::string& word : words) argv.push_back(word.data());
  if (rte_eal_init(static_cast<int>(argv.size()), argv.data()) < 0) {
    return tl::unexpected(std::string("DPDK does not start: ") + rte_strerror(rte_errno) + "; it wants " +
                          std::to_string(megabytes) + " MiB of memory");
  }
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
