#include "control/signals.hpp"

#include <unistd.h>

#include <atomic>
#include <csignal>

namespace strata {
namespace {

std::atomic<bool> end{false};
std::atomic<bool> report{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal's handler may not wait");

constexpr int kKilledBy = 128;  // what a shell calls the end by a signal

extern "C" void on_end(int signal) {
  if (end.exchange(true)) _exit(kKilledBy + signal);
}

extern "C" void on_report(int) { report = true; }

void handle(int signal, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  sigaction(signal, &action, nullptr);
}

}  // namespace

void catch_signals() {
  handle(SIGTERM, on_end);
  handle(SIGINT, on_end);
  handle(SIGUSR1, on_report);
  // Whoever read our lines may go before us.
  handle(SIGPIPE, SIG_IGN);
}

bool end_asked() { return end.load(std::memory_order_relaxed); }

bool report_asked() { return report.load(std::memory_order_relaxed) && report.exchange(false); }

}  // namespace strata
