#include "bench/crew.hpp"

#include <pthread.h>
#include <rte_cycles.h>
#include <rte_pause.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <cassert>

namespace strata::bench {
namespace {

// Of the process, whatever EAL has pinned this thread to.
const cpu_set_t& process_cpus() {
  static const cpu_set_t allowed = [] {
    cpu_set_t set;
    CPU_ZERO(&set);
    sched_getaffinity(0, sizeof set, &set);
    return set;
  }();
  return allowed;
}

}  // namespace

std::vector<int> usable_cpus() {
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &process_cpus())) cpus.push_back(cpu);
  return cpus;
}

Crew::Crew(unsigned size) {
  const std::vector<int> cpus = usable_cpus();
  for (unsigned i = 1; i < size; ++i) others_.emplace_back([this, i, cpu = cpus[i % cpus.size()]] { other(i, cpu); });
}

Crew::~Crew() {
  work_ = nullptr;
  begun_.fetch_add(1, std::memory_order_release);
  for (std::thread& thread : others_) thread.join();
}

void Crew::other(unsigned number, int cpu) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(cpu, &one);
  pthread_setaffinity_np(pthread_self(), sizeof one, &one);
  for (std::uint64_t next = 1;; ++next) {
    while (begun_.load(std::memory_order_acquire) < next) rte_pause();
    if (work_ == nullptr) return;
    // All of them are awake before any begins.
    ready_.fetch_add(1, std::memory_order_acq_rel);
    while (ready_.load(std::memory_order_acquire) < size()) rte_pause();
    (*work_)(number);
    done_.fetch_add(1, std::memory_order_release);
  }
}

void Crew::run(const std::function<void(unsigned)>& work) {
  work_ = &work;
  ready_.store(0, std::memory_order_relaxed);
  done_.store(0, std::memory_order_relaxed);
  begun_.fetch_add(1, std::memory_order_release);
  ready_.fetch_add(1, std::memory_order_acq_rel);
  while (ready_.load(std::memory_order_acquire) < size()) rte_pause();
  work(0);
  while (done_.load(std::memory_order_acquire) + 1 < size()) rte_pause();
}

std::uint64_t Crew::line_round_trip() {
  assert(size() > 1);
  std::array<std::uint64_t, 51> trips;
  struct alignas(128) Line {
    std::atomic<std::size_t> sent{0};
  } line;
  run([&](unsigned number) {
    for (std::size_t i = 0; i < trips.size() && number <= 1; ++i) {
      const std::uint64_t start = rte_rdtsc();
      if (number == 0) line.sent.store(2 * i + 1, std::memory_order_release);
      while (line.sent.load(std::memory_order_acquire) != 2 * i + 2 - number) {}
      if (number == 1) line.sent.store(2 * i + 2, std::memory_order_release);
      if (number == 0) trips[i] = rte_rdtsc() - start;
    }
  });
  std::ranges::sort(trips);
  return trips[trips.size() / 2];
}

}  // namespace strata::bench
