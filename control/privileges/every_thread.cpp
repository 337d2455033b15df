#include "control/privileges/every_thread.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <set>
#include <system_error>
#include <thread>

namespace strata {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::seconds kPatience = 10s;
constexpr std::chrono::microseconds kMoment = 100us;

std::atomic<int (*)()> work_to_do{nullptr};
std::atomic<int> outcome{-1};  // -1: not done yet

extern "C" void on_work(int) {
  const int saved = errno;
  outcome = work_to_do.load()();
  errno = saved;
}

int our_signal() { return SIGRTMAX - 1; }

std::set<pid_t> threads() {
  std::set<pid_t> found;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task", ignored)) {
    const std::string name = entry.path().filename();
    pid_t thread = 0;
    std::from_chars(name.data(), name.data() + name.size(), thread);
    found.insert(thread);
  }
  return found;
}

// False: the thread has ended.
bool ask(pid_t thread) { return ::syscall(SYS_tgkill, ::getpid(), thread, our_signal()) == 0; }

tl::expected<void, std::string> work_in(pid_t thread) {
  outcome = -1;
  if (!ask(thread)) return {};
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (outcome == -1) {
    if (::syscall(SYS_tgkill, ::getpid(), thread, 0) != 0) return {};
    if (std::chrono::steady_clock::now() > until)
      return tl::unexpected("thread " + std::to_string(thread) + " takes no signal");
    std::this_thread::sleep_for(kMoment);
  }
  if (outcome == 0) return {};
  return tl::unexpected("thread " + std::to_string(thread) + ": " + std::generic_category().message(outcome));
}

}  // namespace

tl::expected<void, std::string> in_every_other_thread(int (*work)()) {
  work_to_do = work;
  struct sigaction action {};
  struct sigaction before {};
  action.sa_handler = on_work;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(our_signal(), &action, &before);
  std::set<pid_t> done{static_cast<pid_t>(::syscall(SYS_gettid))};
  // One that was being made by another meanwhile shows when they are counted again.
  for (bool more = true; more;) {
    more = false;
    for (const pid_t thread : threads()) {
      if (!done.insert(thread).second) continue;
      more = true;
      if (auto worked = work_in(thread); !worked) return worked;
    }
  }
  sigaction(our_signal(), &before, nullptr);
  return {};
}

}  // namespace strata
