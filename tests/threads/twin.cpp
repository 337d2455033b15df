// A buffer of a pool goes from one thread to another. `good`: who has given it back leaves it alone. `bad`: it touches
// it once more, and ThreadSanitizer is to say so: what seen.cpp tells it hides no race.
#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <string_view>
#include <thread>

#include "control/eal.hpp"
#include "dataplane/packet/pool.hpp"

namespace strata {
namespace {

constexpr unsigned kBuffers = 127;

// Where the first buffer's octets are, that were written to.
std::span<std::uint8_t> use_all(const Pool& pool, std::uint8_t value) {
  auto stock = Stock::create(pool, kBuffers);
  if (!stock) return {};
  std::array<std::uint8_t, 64> octets;
  octets.fill(value);
  for (std::size_t i = 0; i < kBuffers; ++i) stock->fill(i, octets);
  return stock->bytes(0);
}

int play(bool is_good) {
  if (const auto started = start_eal_offline(64); !started) return 1;
  const auto pool = Pool::create("twin", kBuffers, 2048);
  if (!pool) return 1;
  std::atomic<bool> is_back{false};
  std::span<std::uint8_t> seen;
  std::thread first([&] {
    const std::span<std::uint8_t> octets = use_all(*pool, 1);
    if (!is_good && !octets.empty()) octets[0] = 2;
    is_back.store(true, std::memory_order_relaxed);  // orders nothing: the pool does
  });
  while (!is_back.load(std::memory_order_relaxed)) std::this_thread::yield();
  seen = use_all(*pool, 3);
  first.join();
  return seen.empty() ? 1 : 0;
}

}  // namespace
}  // namespace strata

int main(int count, char** words) { return strata::play(count == 2 && std::string_view(words[1]) == "good"); }
