// What a device saves that looks at the checksums of received IPv4 headers: the check of a header with and without the
// sum. docs/decisions/0006-checksums.md has the figures.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "dataplane/wire/ipv4.hpp"

namespace strata {
namespace {

constexpr std::size_t kBurst = 64;
constexpr std::size_t kBuffers = 256;
constexpr std::size_t kStride = 2304;  // as of a pool of buffers

std::vector<std::uint8_t> headers() {
  std::vector<std::uint8_t> memory(kBuffers * kStride);
  for (std::size_t i = 0; i < kBuffers; ++i) {
    std::uint8_t* header = &memory[i * kStride];
    const std::array<std::uint8_t, 20> text{0x45, 0, 0, 120, 0, 0, 0x40, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2};
    std::copy(text.begin(), text.end(), header);
    header[5] = static_cast<std::uint8_t>(i);
    wire::store_be16(header + 10, wire::checksum({header, text.size()}));
  }
  return memory;
}

void check(benchmark::State& state, wire::HeaderSum sum) {
  const std::vector<std::uint8_t> memory = headers();
  std::size_t at = 0;
  for (auto _ : state) {
    for (std::size_t i = 0; i < kBurst; ++i) {
      const auto [ip, fault] = wire::Ipv4View::check({&memory[(at + i) * kStride], 120}, sum);
      benchmark::DoNotOptimize(fault);
    }
    at = (at + kBurst) % kBuffers;
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * kBurst);
}

BENCHMARK_CAPTURE(check, summed, wire::HeaderSum::unknown);
BENCHMARK_CAPTURE(check, believed, wire::HeaderSum::right);

}  // namespace
}  // namespace strata

BENCHMARK_MAIN();
