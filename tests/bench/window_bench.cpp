// The replay window: a number judged and accepted, in order and out of it, with windows of several sizes.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include "dataplane/ipsec/replay_window.hpp"

namespace strata {
namespace {

constexpr std::size_t kNumbers = 1 << 16;

// Numbers from 1 on, each block of `reach` of them in any order.
std::vector<std::uint64_t> numbers(std::size_t reach) {
  std::vector<std::uint64_t> made(kNumbers);
  for (std::size_t i = 0; i < kNumbers; ++i) made[i] = i + 1;
  std::mt19937 random(4303);
  for (std::size_t at = 0; at + reach <= kNumbers && reach > 1; at += reach)
    std::shuffle(made.begin() + static_cast<std::ptrdiff_t>(at), made.begin() + static_cast<std::ptrdiff_t>(at + reach),
                 random);
  return made;
}

void judge(benchmark::State& state, const std::vector<std::uint64_t>& sequence) {
  ReplayWindow window(static_cast<std::uint32_t>(state.range(0)));
  std::uint64_t epoch = 0;  // so that numbers go on rising
  std::size_t at = 0;
  std::uint64_t fresh = 0;
  for (auto _ : state) {
    const std::uint64_t number = epoch + sequence[at];
    if (window.check(number) == Freshness::fresh) {
      window.accept(number);
      ++fresh;
    }
    if (++at == sequence.size()) {
      at = 0;
      epoch += sequence.size();
    }
  }
  benchmark::DoNotOptimize(fresh);
  if (fresh != static_cast<std::uint64_t>(state.iterations())) state.SkipWithError("a number was refused");
}

void in_order(benchmark::State& state) { judge(state, numbers(1)); }
// All that is late is still in the window.
void at_random_in_window(benchmark::State& state) {
  judge(state, numbers(static_cast<std::size_t>(state.range(0)) / 2));
}

// The same packet again and again.
void replayed(benchmark::State& state) {
  ReplayWindow window(static_cast<std::uint32_t>(state.range(0)));
  for (std::uint64_t number = 1; number <= kNumbers; ++number) window.accept(number);
  std::uint64_t number = kNumbers - 7;
  for (auto _ : state) {
    benchmark::DoNotOptimize(number);  // or it is judged once, before the loop
    Freshness said = window.check(number);
    benchmark::DoNotOptimize(said);
  }
}

}  // namespace
}  // namespace strata

BENCHMARK(strata::in_order)->Arg(64)->Arg(1024)->Arg(4096);
BENCHMARK(strata::at_random_in_window)->Arg(64)->Arg(1024)->Arg(4096);
BENCHMARK(strata::replayed)->Arg(1024);
BENCHMARK_MAIN();
