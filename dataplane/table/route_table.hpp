// IPv4 routes: longest prefix match over rte_fib (DIR-24-8).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "dataplane/packet/id.hpp"
#include "dataplane/wire/address.hpp"

struct rte_fib;

namespace strata {

enum class RouteKind : std::uint8_t {
  none,       // no route
  adjacency,  // to a next hop; index: AdjId<V4>
  connected,  // the destination itself is on this link and has no adjacency; index: PortId
  policy,     // an SRv6 policy; index: PolicyId
};

struct Route {
  RouteKind kind;
  std::uint32_t index;
  bool operator==(const Route&) const = default;
};

struct RouteEntry {
  wire::Ipv4Prefix prefix;
  Route route;
};

class RouteTable {
 public:
  // No routes at all.
  RouteTable() = default;

  // Of two entries with one prefix the later one stays.
  static tl::expected<RouteTable, std::string> create(const std::vector<RouteEntry>& entries);

  // destinations: n addresses; routes: n answers, RouteKind::none where nothing leads there.
  void find(const wire::Ipv4Address* destinations, Route* routes, std::size_t n) const;

 private:
  struct Free {
    void operator()(rte_fib* fib) const;
  };
  explicit RouteTable(rte_fib* fib) : fib_(fib) {}
  std::unique_ptr<rte_fib, Free> fib_;
};

}  // namespace strata
