#include "dataplane/table/route_table.hpp"

#include <rte_errno.h>
#include <rte_fib.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "dataplane/packet/burst_size.hpp"

namespace strata {
namespace {

// rte_fib keeps next hops of 31 bits in its 4-octet tables: kind in bits 28..30, index below.
constexpr unsigned kKindShift = 28;
constexpr std::uint32_t kIndexMask = (1U << kKindShift) - 1;

std::uint64_t pack(const Route& route) {
  return (static_cast<std::uint64_t>(route.kind) << kKindShift) | (route.index & kIndexMask);
}

Route unpack(std::uint64_t next_hop) {
  return {static_cast<RouteKind>(next_hop >> kKindShift), static_cast<std::uint32_t>(next_hop) & kIndexMask};
}

// By length and network.
auto order_of(const RouteEntry& e) { return std::pair(e.prefix.length, e.prefix.address.value); }

// Each prefix once. rte_fib (22.11) overwrites routes when a prefix is added, or is given another next hop, after
// longer ones in it that reach the end of the address space: 0.0.0.0/1, 128.0.0.0/1 and then 0.0.0.0/0.
std::vector<RouteEntry> shortest_first(const std::vector<RouteEntry>& entries) {
  std::vector<RouteEntry> routes(entries.rbegin(), entries.rend());  // of equal ones the first stays below
  for (RouteEntry& e : routes) e.prefix = wire::network_of(e.prefix);
  std::ranges::stable_sort(routes, {}, order_of);
  const auto same = [](const RouteEntry& a, const RouteEntry& b) { return order_of(a) == order_of(b); };
  routes.erase(std::unique(routes.begin(), routes.end(), same), routes.end());
  return routes;
}

// Each /24 that has longer prefixes takes one group of 256 entries. routes: in their order.
std::uint32_t groups_needed(const std::vector<RouteEntry>& routes) {
  std::vector<std::uint32_t> blocks;
  for (const RouteEntry& e : routes)
    if (e.prefix.length > 24) blocks.push_back(e.prefix.address.value >> 8);
  std::ranges::sort(blocks);
  return static_cast<std::uint32_t>(std::unique(blocks.begin(), blocks.end()) - blocks.begin());
}

}  // namespace

void RouteTable::Free::operator()(rte_fib* fib) const { rte_fib_free(fib); }

tl::expected<RouteTable, std::string> RouteTable::create(const std::vector<RouteEntry>& entries) {
  const std::vector<RouteEntry> routes = shortest_first(entries);
  static std::atomic<unsigned> serial{0};  // DPDK finds tables by name: each needs its own
  const std::string name = "strata_routes_" + std::to_string(serial++);
  rte_fib_conf conf{};
  conf.type = RTE_FIB_DIR24_8;
  conf.default_nh = pack({RouteKind::none, 0});
  conf.max_routes = static_cast<int>(routes.size() + 16);
  conf.dir24_8.nh_sz = RTE_FIB_DIR24_8_4B;
  conf.dir24_8.num_tbl8 = groups_needed(routes) + 16;
  rte_fib* fib = rte_fib_create(name.c_str(), 0, &conf);
  if (fib == nullptr) {
    return tl::unexpected("no memory for the table of " + std::to_string(routes.size()) + " routes: " +
                          rte_strerror(rte_errno) + "; raise eal.memory: strata check says how much is needed");
  }
  RouteTable table(fib);
  for (const auto& [prefix, route] : routes) {
    if (const int rc = rte_fib_add(fib, prefix.address.value, prefix.length, pack(route)); rc != 0)
      return tl::unexpected("route " + wire::to_string(prefix) + ": " + rte_strerror(-rc));
  }
  return table;
}

void RouteTable::find(const wire::Ipv4Address* destinations, Route* routes, std::size_t n) const {
  if (fib_ == nullptr) {
    std::fill_n(routes, n, Route{RouteKind::none, 0});
    return;
  }
  std::uint32_t ips[kBurstSize];
  std::uint64_t next_hops[kBurstSize];
  for (std::size_t i = 0; i < n; ++i) ips[i] = destinations[i].value;
  rte_fib_lookup_bulk(fib_.get(), ips, next_hops, static_cast<int>(n));
  for (std::size_t i = 0; i < n; ++i) routes[i] = unpack(next_hops[i]);
}

}  // namespace strata
