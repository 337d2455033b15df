// Look-ups as tables grow: routes, own addresses, neighbors. tables_bench has those of SPIs and SIDs, beside DPDK's.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <random>
#include <vector>

#include "control/eal.hpp"
#include "dataplane/neighbor/neighbors.hpp"
#include "dataplane/packet/burst_size.hpp"
#include "dataplane/table/own_address.hpp"
#include "dataplane/table/route_table.hpp"

namespace strata {
namespace {

constexpr std::size_t kAsked = 1 << 16;

// In no order, as packets of many flows come.
template <class AddressOf>
std::vector<wire::Ipv4Address> asked(std::size_t n, AddressOf address_of) {
  std::mt19937 random(2);
  std::vector<wire::Ipv4Address> made(kAsked);
  for (wire::Ipv4Address& address : made) address = address_of(static_cast<std::uint32_t>(random() % n));
  return made;
}

// /24 of 20.0.0.0 and on, and in each 64th of them a host.
std::vector<RouteEntry> routes(std::size_t n) {
  std::vector<RouteEntry> made;
  for (std::uint32_t i = 0; i < n; ++i) {
    const bool host = i % 64 == 63;
    made.push_back(
        {{{0x14000000 + ((host ? i - 1 : i) << 8) + (host ? 9U : 0U)}, static_cast<std::uint8_t>(host ? 32 : 24)},
         {RouteKind::adjacency, i % 16}});
  }
  return made;
}

void route(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0));
  const auto table = RouteTable::create(routes(n));
  if (!table) return state.SkipWithError(table.error().c_str());
  const auto wanted = asked(n, [](std::uint32_t i) { return wire::Ipv4Address{0x14000000 + (i << 8) + 9}; });
  std::size_t at = 0;
  Route found[kBurstSize];
  for (auto _ : state) {
    table->find(&wanted[at], found, kBurstSize);
    benchmark::DoNotOptimize(found);
    at = (at + kBurstSize) % kAsked;
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kBurstSize));
}

void own_address(benchmark::State& state) {
  const auto n = static_cast<std::uint32_t>(state.range(0));
  std::vector<std::pair<wire::Ipv4Address, OwnAddress>> entries;
  for (std::uint32_t i = 0; i < n; ++i) entries.push_back({{0x0a000001 + (i << 8)}, {OwnKind::own, PortId(0)}});
  const OwnIpv4 table(entries);
  // Each second packet is for somebody else.
  const auto wanted = asked(n, [](std::uint32_t i) { return wire::Ipv4Address{0x0a000001 + (i << 8) + (i & 1)}; });
  std::size_t at = 0;
  for (auto _ : state) {
    for (std::size_t i = 0; i < kBurstSize; ++i) benchmark::DoNotOptimize(table.find(wanted[at + i]));
    at = (at + kBurstSize) % kAsked;
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kBurstSize));
}

struct ManyNeighbors {
  explicit ManyNeighbors(std::uint32_t n) : adjacencies({}, n) {
    auto made = Neighbors::create(adjacencies, {.learned = n});
    if (!made) return;
    neighbors.emplace(std::move(*made));
    const Adjacency link{{}, PortId(0), Side::protected_side, false, 1500, {}};
    for (std::uint32_t i = 0; i < n; ++i) ids.push_back(neighbors->find_or_add(PortId(0), {0x0a000000 + i}, link));
  }
  AdjacencyTable adjacencies;
  std::optional<Neighbors> neighbors;
  std::vector<AdjId<V4>> ids;
};

void neighbor_find(benchmark::State& state) {
  const auto n = static_cast<std::uint32_t>(state.range(0));
  const ManyNeighbors many(n);
  if (!many.neighbors) return state.SkipWithError("no memory");
  const auto wanted = asked(n, [](std::uint32_t i) { return wire::Ipv4Address{0x0a000000 + i}; });
  std::size_t at = 0;
  for (auto _ : state) {
    for (std::size_t i = 0; i < kBurstSize; ++i)
      benchmark::DoNotOptimize(many.neighbors->find(PortId(0), wanted[at + i]));
    at = (at + kBurstSize) % kAsked;
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kBurstSize));
}

// Each of them is due in its turn, and answers: an event and an answer.
void neighbor_event(benchmark::State& state) {
  const auto n = static_cast<std::uint32_t>(state.range(0));
  ManyNeighbors many(n);
  if (!many.neighbors) return state.SkipWithError("no memory");
  std::uint64_t now = 0;
  for (const AdjId<V4> id : many.ids) many.neighbors->learn(id, {{2, 0, 0, 0, 0, 1}}, ++now);
  for (auto _ : state) {
    const auto event = many.neighbors->next_event(many.neighbors->next_due());
    many.neighbors->learn(event->id, {{2, 0, 0, 0, 0, 1}}, ++now);
  }
}

}  // namespace
}  // namespace strata

BENCHMARK(strata::route)->Arg(10)->Arg(100'000)->Arg(1'000'000);
BENCHMARK(strata::own_address)->Arg(2)->Arg(1000)->Arg(100'000);
BENCHMARK(strata::neighbor_find)->Arg(10)->Arg(1000)->Arg(100'000);
BENCHMARK(strata::neighbor_event)->Arg(10)->Arg(1000)->Arg(100'000);

int main(int argc, char** argv) {
  if (auto started = strata::start_eal_offline(1024); !started) {
    std::fprintf(stderr, "%s\n", started.error().c_str());
    return 1;
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
