// The memory that a configuration is said to need, beside what DPDK has given for it.
#include <gtest/gtest.h>
#include <rte_malloc.h>

#include <string>

#include "config/memory.hpp"
#include "config/parser.hpp"
#include "control/build.hpp"
#include "dataplane/neighbor/neighbors.hpp"
#include "dataplane/worker_set.hpp"
#include "tests/unit/dataplane_env.hpp"

namespace strata {
namespace {

constexpr std::uint64_t kMib = std::uint64_t{1} << 20;

// Of all that DPDK has.
std::uint64_t given() {
  std::uint64_t sum = 0;
  for (int socket = 0; socket < RTE_MAX_NUMA_NODES; ++socket) {
    rte_malloc_socket_stats stats{};
    if (rte_malloc_get_socket_stats(socket, &stats) == 0) sum += stats.heap_allocsz_bytes;
  }
  return sum;
}

config::Config parsed(const std::string& text) {
  auto config = config::parse_text(text, "c.yaml");
  EXPECT_TRUE(config) << to_string(config.error().front(), "c.yaml");
  return std::move(*config);
}

const std::string kPorts =
    "ports:\n"
    "  wan: {device: net_null0, addresses: [192.0.2.1/24], side: unprotected}\n"
    "  lan: {device: net_null1, addresses: [10.0.0.1/8], side: protected}\n";

// Routes of /24, of which each tenth has a host's route in it, to next hops of their own.
std::string with_routes(unsigned count) {
  std::string text = kPorts + (count == 0 ? "routes: []\n" : "routes:\n");
  for (unsigned i = 0; i < count; ++i) {
    const auto net =
        std::to_string(20 + i / 65536) + "." + std::to_string(i / 256 % 256) + "." + std::to_string(i % 256);
    const auto hop = "10.1." + std::to_string(i / 256 % 256) + "." + std::to_string(i % 256);
    text += "  - {prefix: " + net + (i % 10 == 0 ? ".9/32" : ".0/24") + ", next_hop: " + hop + ", port: lan}\n";
  }
  return text;
}

const std::vector<wire::MacAddress> kMacs{{{2, 0, 0, 0, 1, 1}}, {{2, 0, 0, 0, 1, 2}}};

// Enough, and no more than half of it again: as much as nobody would mind.
void expect_enough(std::uint64_t need, std::uint64_t taken) {
  EXPECT_GE(need, taken);
  EXPECT_LE(need, taken + taken / 2);
}

TEST(MemoryNeed, RoutesTakeWhatIsSaid) {
  test::start_dataplane();
  for (const unsigned count : {0U, 20'000U}) {
    const config::Config config = parsed(with_routes(count));
    const std::uint64_t before = given();
    const auto tables = build_tables(config, kMacs);
    ASSERT_TRUE(tables) << tables.error();
    expect_enough(config::memory_need(config).routes, given() - before);
  }
}

TEST(MemoryNeed, ManyRoutesTakeWhatIsSaidBeyondFew) {
  test::start_dataplane();
  const auto taken = [](const config::Config& config) {
    const std::uint64_t before = given();
    const auto tables = build_tables(config, kMacs);
    EXPECT_TRUE(tables) << tables.error();
    return given() - before;
  };
  const config::Config few = parsed(with_routes(100));
  const config::Config many = parsed(with_routes(40'000));
  const std::uint64_t need = config::memory_need(many).routes - config::memory_need(few).routes;
  expect_enough(need, taken(many) - taken(few));
}

TEST(MemoryNeed, NeighborsTakeWhatIsSaid) {
  test::start_dataplane();
  // On each of two ports; just over and just under a power of two.
  for (const unsigned learned : {16U, 500U, 5'000U, 16'383U, 16'384U, 30'000U}) {
    SCOPED_TRACE(learned);
    const config::Config config = parsed(kPorts + "arp: {neighbors: " + std::to_string(learned) + "}\n");
    AdjacencyTable table({}, std::size_t{2} * learned, config::room_for(0));
    const std::uint64_t before = given();
    const auto neighbors = Neighbors::create(table, {.learned = learned});
    ASSERT_TRUE(neighbors);
    expect_enough(config::memory_need(config).neighbors, given() - before);
  }
}

TEST(MemoryNeed, PacketBuffersTakeWhatIsSaid) {
  test::start_dataplane();
  const config::Config small = parsed(kPorts + "reassembly: {packets: 16}\n");
  const config::Config large = parsed(kPorts + "reassembly: {packets: 1016}\n");
  const std::uint64_t before = given();
  const auto pool = Pool::create("memory_test", waiting_buffers(large) - waiting_buffers(small), 2048);
  ASSERT_TRUE(pool);
  expect_enough(config::memory_need(large).buffers - config::memory_need(small).buffers, given() - before);
}

TEST(MemoryNeed, ReassemblyTakesWhatIsSaid) {
  test::start_dataplane();
  const config::Config config = parsed(kPorts + "reassembly: {packets: 4096}\n");
  const auto pool = Pool::create("memory_test", 255, 2048);
  ASSERT_TRUE(pool);
  const std::uint64_t before = given();
  const auto made = Reassembly::create({.enabled = true, .packets = 4096, .timeout_ns = 1'000'000}, Maker(*pool));
  ASSERT_TRUE(made);
  expect_enough(config::memory_need(config).reassembly, given() - before);
}

// Neighbors are each worker's own, and there is a ring from each to each.
TEST(MemoryNeed, WorkersTakeWhatIsSaid) {
  const auto pool = test::make_pool(255);
  for (const std::string count : {"1", "4", "16"}) {
    const config::Config config = parsed(kPorts + "arp: {neighbors: 5000}\nworkers: {count: " + count + "}\n");
    const auto tables = build_tables(config, kMacs);
    ASSERT_TRUE(tables) << tables.error();
    const std::uint64_t before = given();
    const auto workers = WorkerSet::create(**tables, {{.device = 0}, {.device = 1}}, pool, config.workers.count);
    ASSERT_TRUE(workers) << workers.error();
    const config::MemoryNeed need = config::memory_need(config);
    SCOPED_TRACE(count + " workers");
    expect_enough(need.neighbors + need.reassembly + need.rings, given() - before);
  }
}

TEST(MemoryNeed, OfTheProcessEachWorkerTakesItsOwnForNeighbors) {
  const auto tables = [](const std::string& count) {
    return config::memory_need(parsed(kPorts + "arp: {neighbors: 65536}\nworkers: {count: " + count + "}\n")).tables;
  };
  EXPECT_EQ(tables("3"), 3 * tables("1"));
}

TEST(MemoryNeed, IsWhatIsTakenWhereTheConfigurationSaysNone) {
  const config::Config small = parsed(kPorts);
  EXPECT_EQ(small.eal.memory, 512U);
  EXPECT_LT(config::memory_need(small).eal_mib(), 320U);  // twice 64 for routes: those in force, and a reload's
  const config::Config said = parsed(kPorts + "eal: {memory: 128}\n");
  EXPECT_EQ(said.eal.memory, 128U);
  std::string text = kPorts + "arp: {neighbors: 65536}\nreassembly: {packets: 65536}\n";
  const config::Config large = parsed(text);
  EXPECT_GE(large.eal.memory, config::memory_need(large).eal_mib());
  EXPECT_LT(large.eal.memory, config::memory_need(large).eal_mib() + 64);
  EXPECT_EQ(large.eal.memory % 64, 0U);
  EXPECT_GT(config::memory_need(large).buffers, 65536 * 8 * 2048 / kMib * kMib);
}

}  // namespace
}  // namespace strata
