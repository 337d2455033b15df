// Our look-up of SPIs and SIDs beside DPDK's, on the same keys. docs/decisions/0003-tables.md has the figures.
#include <benchmark/benchmark.h>
#include <rte_hash.h>
#include <rte_hash_crc.h>
#include <rte_lpm6.h>
#include <rte_version.h>

#include <cstdio>
#include <random>

#include "control/eal.hpp"
#include "dataplane/ipsec/security_association.hpp"
#include "dataplane/table/sid_table.hpp"

namespace strata {
namespace {

constexpr std::size_t kBulk = 64;

// DPDK 24.11 gave IPv6 addresses a type of their own.
#if RTE_VERSION >= RTE_VERSION_NUM(24, 11, 0, 0)
using Lpm6Address = rte_ipv6_addr;
const rte_ipv6_addr* argument_of(const Lpm6Address& address) { return &address; }
#else
using Lpm6Address = std::uint8_t[16];
const std::uint8_t* argument_of(const Lpm6Address& address) { return address; }
#endif

std::vector<SpiKey> spi_keys(std::size_t n) {
  std::mt19937 random(1);
  std::vector<SpiKey> keys(n);
  for (SpiKey& key : keys) key = {static_cast<std::uint32_t>(random()) | 0x100, {0xc0000201}};
  return keys;
}

// In no order, as packets of many peers come.
std::vector<std::size_t> order(std::size_t n) {
  std::mt19937 random(2);
  std::vector<std::size_t> picks(1 << 16);
  for (std::size_t& pick : picks) pick = random() % n;
  return picks;
}

void spi_ours(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0));
  const std::vector<SpiKey> keys = spi_keys(n);
  std::vector<std::pair<SpiKey, SpiEntry>> entries;
  for (std::size_t i = 0; i < n; ++i) entries.push_back({keys[i], {SaId(static_cast<std::uint32_t>(i)), 4500}});
  const SpiTable table(entries);
  const std::vector<std::size_t> picks = order(n);
  std::size_t at = 0;
  for (auto _ : state) {
    for (std::size_t i = 0; i < kBulk; ++i) benchmark::DoNotOptimize(table.find(keys[picks[at + i]]));
    at = (at + kBulk) % picks.size();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kBulk));
}

void spi_rte_hash(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0));
  const std::vector<SpiKey> keys = spi_keys(n);
  rte_hash_parameters parameters{};
  parameters.name = "bench";
  parameters.entries = static_cast<std::uint32_t>(n * 2 + 64);
  parameters.key_len = sizeof(SpiKey);
  parameters.hash_func = rte_hash_crc;
  parameters.extra_flag = RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF;
  rte_hash* table = rte_hash_create(&parameters);
  for (std::size_t i = 0; i < n; ++i) rte_hash_add_key_data(table, &keys[i], reinterpret_cast<void*>(i));
  const std::vector<std::size_t> picks = order(n);
  std::size_t at = 0;
  for (auto _ : state) {
    const void* wanted[kBulk];
    void* found[kBulk];
    std::uint64_t hits = 0;
    for (std::size_t i = 0; i < kBulk; ++i) wanted[i] = &keys[picks[at + i]];
    rte_hash_lookup_bulk_data(table, wanted, kBulk, &hits, found);
    benchmark::DoNotOptimize(found);
    at = (at + kBulk) % picks.size();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kBulk));
  rte_hash_free(table);
}

std::vector<wire::Ipv6Prefix> sids(std::size_t n) {
  std::mt19937 random(3);
  std::vector<wire::Ipv6Prefix> made(n);
  for (wire::Ipv6Prefix& sid : made) {
    sid = {*wire::parse_ipv6("fc00:1::"), 128};
    for (std::size_t i = 8; i < 16; ++i) sid.address.octets[i] = static_cast<std::uint8_t>(random());
  }
  return made;
}

// lengths: of the prefixes, from /128 downwards; what is looked up is in the shortest ones.
void sid_of_lengths(benchmark::State& state, std::size_t lengths) {
  const auto n = static_cast<std::size_t>(state.range(0));
  std::vector<wire::Ipv6Prefix> keys = sids(n);
  std::vector<LocalSid> entries;
  for (std::size_t less = 1; less < lengths; ++less) {
    const wire::Ipv6Prefix longer{*wire::parse_ipv6("fc00:2::"), static_cast<std::uint8_t>(129 - less)};
    entries.push_back({longer, SidBehavior::end_dx4, false, AdjId<V4>(0)});
  }
  for (wire::Ipv6Prefix& sid : keys) {
    sid = wire::network_of({sid.address, static_cast<std::uint8_t>(129 - lengths)});
    entries.push_back({sid, SidBehavior::end_dx4, false, AdjId<V4>(0)});
  }
  const SidTable table(entries);
  const std::vector<std::size_t> picks = order(n);
  std::size_t at = 0;
  for (auto _ : state) {
    for (std::size_t i = 0; i < kBulk; ++i)
      benchmark::DoNotOptimize(table.find(keys[picks[at + i]].address.octets.data()));
    at = (at + kBulk) % picks.size();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kBulk));
}

void sid_ours(benchmark::State& state) { sid_of_lengths(state, 1); }
void sid_ours_of_8_lengths(benchmark::State& state) { sid_of_lengths(state, 8); }

void sid_rte_lpm6(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0));
  const std::vector<wire::Ipv6Prefix> keys = sids(n);
  rte_lpm6_config config{};
  config.max_rules = static_cast<std::uint32_t>(n + 16);
  config.number_tbl8s = static_cast<std::uint32_t>(n * 9 + 64);
  rte_lpm6* table = rte_lpm6_create("bench", 0, &config);
  for (std::size_t i = 0; i < n; ++i) {
    Lpm6Address address;
    std::memcpy(&address, keys[i].address.octets.data(), sizeof address);
    rte_lpm6_add(table, argument_of(address), keys[i].length, static_cast<std::uint32_t>(i));
  }
  const std::vector<std::size_t> picks = order(n);
  std::size_t at = 0;
  for (auto _ : state) {
    Lpm6Address wanted[kBulk];
    std::int32_t found[kBulk];
    for (std::size_t i = 0; i < kBulk; ++i) std::memcpy(&wanted[i], keys[picks[at + i]].address.octets.data(), 16);
    rte_lpm6_lookup_bulk_func(table, wanted, found, kBulk);
    benchmark::DoNotOptimize(found);
    at = (at + kBulk) % picks.size();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kBulk));
  rte_lpm6_free(table);
}

}  // namespace
}  // namespace strata

BENCHMARK(strata::spi_ours)->Arg(1)->Arg(1000)->Arg(100000);
BENCHMARK(strata::spi_rte_hash)->Arg(1)->Arg(1000)->Arg(100000);
BENCHMARK(strata::sid_ours)->Arg(1)->Arg(1000)->Arg(10000)->Arg(100000);
BENCHMARK(strata::sid_ours_of_8_lengths)->Arg(1)->Arg(1000)->Arg(100000);
BENCHMARK(strata::sid_rte_lpm6)->Arg(1)->Arg(1000)->Arg(10000)->Arg(100000);

int main(int argc, char** argv) {
  if (auto started = strata::start_eal_offline(2048); !started) {
    std::fprintf(stderr, "%s\n", started.error().c_str());
    return 1;
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
