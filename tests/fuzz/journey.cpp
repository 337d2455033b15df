// An input goes through the gateway twice, with all buffers filled with 00 and with A5 before: what was sent must be
// the same, conserved, and what the judge takes.
#include "tests/fuzz/journey.hpp"

#include "tests/fuzz/gateways.hpp"
#include "tests/fuzz/judge.hpp"
#include "tests/fuzz/mutate.hpp"
#include "tests/fuzz/player.hpp"

namespace strata::fuzz {
namespace {

// They never go: at the process's end DPDK's memory would go first.
Player& player_of(std::size_t which) {
  static std::array<Player*, kGateways> players{};
  if (players[which] == nullptr) players[which] = new Player(gateway_config(which));
  return *players[which];
}

void take_out_sealed(Script& script) {
  std::erase_if(script.steps, [](const Step& step) { return step.kind == Kind::sealed; });
}

void play(Script script) {
  if (!kTraffic.has_key) take_out_sealed(script);
  const std::size_t which = script.gateway % kGateways;
  const config::Config& config = gateway_config(which);
  const Arrivals arrivals = arrivals_of(script, config, kTraffic.ports);
  Player& player = player_of(which);
  const Outcome outcome = player.play(arrivals, Poison{0x00}, Way::straight);
  judge(config, arrivals, outcome);
  for (const std::uint64_t top : outcome.tops)
    if (!kTraffic.has_key && top != 0) fail("without a key an SA believed the number " + std::to_string(top));
  // The other way of going through a burst has to come to the same.
  const Way way = script.gateway / kGateways % 2 == 0 ? Way::straight : Way::steps;
  const Outcome twin = player.play(arrivals, Poison{0xa5}, way);
  if (const std::string difference = outcome.difference(twin); !difference.empty())
    fail((way == Way::straight ? "poison 00 and A5: " : "straight, and step by step: ") + difference);
}

}  // namespace
}  // namespace strata::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  strata::fuzz::play(strata::fuzz::script_of({data, size}));
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
  return strata::fuzz::mutate({data, most}, size, seed);
}

extern "C" std::size_t LLVMFuzzerCustomCrossOver(const std::uint8_t* one, std::size_t one_size,
                                                 const std::uint8_t* other, std::size_t other_size, std::uint8_t* out,
                                                 std::size_t most, unsigned seed) {
  return strata::fuzz::cross({one, one_size}, {other, other_size}, {out, most}, seed);
}
