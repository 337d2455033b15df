#include "control/signals.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <ctime>
#include <vector>

namespace strata {
namespace {

std::atomic<bool> end{false};
std::atomic<bool> report{false};
std::atomic<bool> reload{false};
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<std::int64_t>::is_always_lock_free,
              "a signal's handler may not wait");

constexpr int kKilledBy = 128;  // what a shell calls the end by a signal
// A terminal, sudo and timeout(1) each pass on what they were sent, so that one wish can arrive twice.
constexpr std::int64_t kSameWishNs = 300'000'000;

std::int64_t now_ns() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

std::atomic<std::int64_t> asked_at{0};

// Any thread may be the one that a signal interrupts; this is what the one that waits is woken by.
std::atomic<int> wish{-1};

void wake() {
  const int saved = errno;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(wish, &one, sizeof one);
  errno = saved;
}

extern "C" void on_end(int signal) {
  const std::int64_t now = now_ns();
  if (!end.exchange(true)) {
    asked_at = now;
  } else if (now - asked_at > kSameWishNs) {
    _exit(kKilledBy + signal);
  }
  wake();
}

extern "C" void on_report(int) {
  report = true;
  wake();
}

extern "C" void on_reload(int) {
  reload = true;
  wake();
}

void handle(int signal, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  // No SA_RESTART: a driver that waits for its other end while it starts is to give up.
  sigaction(signal, &action, nullptr);
}

}  // namespace

void catch_signals() {
  wish = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  handle(SIGTERM, on_end);
  handle(SIGINT, on_end);
  handle(SIGUSR1, on_report);
  handle(SIGHUP, on_reload);
  // Whoever read our lines may go before us.
  handle(SIGPIPE, SIG_IGN);
}

bool end_asked() { return end.load(std::memory_order_relaxed); }

void wait_for_wishes(std::chrono::milliseconds longest, std::initializer_list<int> also) {
  std::vector<pollfd> all{{.fd = wish, .events = POLLIN, .revents = 0}};
  for (const int fd : also) all.push_back({.fd = fd, .events = POLLIN, .revents = 0});
  if (poll(all.data(), all.size(), static_cast<int>(longest.count())) < 1 || all[0].revents == 0) return;
  std::uint64_t wishes = 0;
  [[maybe_unused]] const ssize_t got = read(wish, &wishes, sizeof wishes);
}

bool reload_asked() { return reload.load(std::memory_order_relaxed) && reload.exchange(false); }

bool report_asked() { return report.load(std::memory_order_relaxed) && report.exchange(false); }

}  // namespace strata
