// Threads that begin a piece of work at the same moment, each on a CPU of its own.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace strata::bench {

class Crew {
 public:
  // size: this thread, which is number 0, and size - 1 others on the other CPUs it may use.
  explicit Crew(unsigned size);
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;
  ~Crew();

  unsigned size() const { return static_cast<unsigned>(others_.size()) + 1; }

  // work(number) in each of them; back when the last is done.
  void run(const std::function<void(unsigned)>& work);

  // Cycles of the TSC in which a cache line that both write goes from this thread to number 1 and comes back: the
  // median of some dozens. What is handed over goes that way line by line. Of two threads at the least.
  std::uint64_t line_round_trip();

 private:
  void other(unsigned number, int cpu);

  const std::function<void(unsigned)>* work_ = nullptr;
  std::atomic<std::uint64_t> begun_{0};  // pieces of work; the end of all when work_ is nullptr
  std::atomic<unsigned> ready_{0};
  std::atomic<unsigned> done_{0};
  std::vector<std::thread> others_;
};

// Whose affinity the process was given.
std::vector<int> usable_cpus();

}  // namespace strata::bench
