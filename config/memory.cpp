#include "config/memory.hpp"

#include <algorithm>
#include <bit>
#include <vector>

namespace strata::config {
namespace {

constexpr std::uint64_t kMib = std::uint64_t{1} << 20;

// rte_fib: 4 octets for each /24 there is; for each /24 with longer prefixes in it 1 KiB; for each prefix two nodes and
// their places in a ring.
constexpr std::uint64_t kRouteBase = 4 * (std::uint64_t{1} << 24) + 512 * 1024;
constexpr std::uint64_t kRouteGroup = 1024;
constexpr std::uint64_t kRouteNode = 200;
// rte_hash: key and data of each; two tables of buckets and two rings, whose sizes are powers of two; its own. Those
// that are learned have their room beforehand.
constexpr std::uint64_t kNeighbor = 16;
constexpr std::uint64_t kNeighborPlace = 22;
constexpr std::uint64_t kNeighborTable = 3072;
// rte_ip_frag keeps places for twice as many.
constexpr std::uint64_t kIncomplete = 2 * 336;
constexpr unsigned kFragments = 8;
// Of a packet buffer beside its room: mbuf, private area, headroom, the pool's header. Its place in a ring.
constexpr std::uint64_t kAroundRoom = 448;
constexpr std::uint64_t kRingPlace = 160;
constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kLeastRoom = 2048;
constexpr std::uint64_t kRoomStep = 1024;
constexpr std::uint64_t kGrowth = 384;  // of a packet that is sealed
constexpr std::uint64_t kSpareBuffers = 4096;
constexpr std::uint64_t kMadeRoom = 9728;
// Of packets under way in a further worker, and in the rings to it.
constexpr std::uint64_t kWorkerBuffers = 4096;
// From a worker to another one, and to itself: 2048 pointers.
constexpr std::uint64_t kRing = 2048 * 8 + 768;

// Octets of the process's own memory, with the places in the tables that find them. docs/deployment.md has what was
// measured.
constexpr std::uint64_t kInboundSa = 1900;
constexpr std::uint64_t kOutboundSa = 1700;
constexpr std::uint64_t kSid = 250;
constexpr std::uint64_t kPolicy = 600;
constexpr std::uint64_t kRoute = 120;
constexpr std::uint64_t kAdjacency = 100;

std::uint64_t asking_ports(const Config& config) {
  return static_cast<std::uint64_t>(std::ranges::count_if(config.ports, [](const Port& port) { return !port.host; }));
}

// Where routes lead to hosts: next hops and neighbors, each once.
std::vector<std::uint32_t> hosts(const Config& config) {
  std::vector<std::uint32_t> all;
  for (const Neighbor& neighbor : config.neighbors) all.push_back(neighbor.address.value);
  for (const LocalSid& sid : config.local_sids) all.push_back(sid.next_hop.value);
  for (const Route& route : config.routes) all.push_back(route.next_hop.value);
  std::ranges::sort(all);
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

std::uint64_t routes_need(const Config& config, const std::vector<std::uint32_t>& hosts) {
  std::uint64_t prefixes = hosts.size();
  std::vector<std::uint32_t> split;  // /24s that have longer prefixes
  for (const std::uint32_t host : hosts) split.push_back(host >> 8);
  const auto add = [&](const wire::Ipv4Prefix& prefix) {
    ++prefixes;
    if (prefix.length > 24) split.push_back(prefix.address.value >> 8);
  };
  for (const Port& port : config.ports) std::ranges::for_each(port.addresses, add);
  for (const Route& route : config.routes) add(route.prefix);
  for (const Policy& policy : config.policies) std::ranges::for_each(policy.prefixes, add);
  std::ranges::sort(split);
  const auto groups = static_cast<std::uint64_t>(std::unique(split.begin(), split.end()) - split.begin());
  const std::uint64_t nodes = 2 * prefixes;
  return kRouteBase + groups * kRouteGroup + nodes * kRouteNode + std::bit_ceil(nodes) * sizeof(void*);
}

std::uint64_t neighbors_need(std::uint64_t neighbors) {
  return kNeighborTable + neighbors * kNeighbor + std::bit_ceil(neighbors + 1) * kNeighborPlace;
}

// In ordinary memory, which may be what is found, no buffer lies across the end of a page if it can be helped.
std::uint64_t buffer_need(const Config& config, std::uint64_t room) {
  const std::uint64_t buffer = room + kAroundRoom;
  const bool packed = config.eal.hugepages == Hugepages::required;
  return (packed ? buffer : (buffer + kPage - 1) / kPage * kPage) + kRingPlace;
}

std::uint64_t buffers_need(const Config& config) {
  std::uint64_t buffers = kSpareBuffers + asking_ports(config) * kWaitingEachPort;
  if (config.reassembly.enabled) buffers += std::uint64_t{config.reassembly.packets} * kFragments;
  if (config.workers.count > 1) buffers += config.workers.count * kWorkerBuffers;
  std::uint64_t made = kSpareBuffers / 4;
  std::uint64_t room = kLeastRoom;
  for (const Port& port : config.ports) {
    const std::uint64_t sent = std::uint64_t{config.workers.count} * port.tx_descriptors;
    buffers += std::uint64_t{port.queues} * port.rx_descriptors + sent;
    made += sent;
    room = std::max(room, (port.mtu + kGrowth + kRoomStep - 1) / kRoomStep * kRoomStep);
  }
  return buffers * buffer_need(config, room) + made * buffer_need(config, std::max(room, kMadeRoom));
}

}  // namespace

std::uint32_t MemoryNeed::eal_mib() const {
  constexpr std::uint64_t kRest = 48 * kMib;
  const std::uint64_t counted = 2 * routes + neighbors + reassembly + buffers + rings;
  return static_cast<std::uint32_t>((counted + counted / 16 + kRest) / kMib);
}

MemoryNeed memory_need(const Config& config) {
  const std::vector<std::uint32_t> known = hosts(config);
  const std::uint64_t adjacencies = room_for(known.size()) + asking_ports(config) * config.arp.neighbors;
  MemoryNeed need;
  need.routes = routes_need(config, known);
  need.neighbors = neighbors_need(adjacencies) * config.workers.count;  // each has its own
  if (config.reassembly.enabled) need.reassembly = std::bit_ceil(config.reassembly.packets) * kIncomplete;
  need.buffers = buffers_need(config);
  if (config.workers.count > 1) need.rings = std::uint64_t{config.workers.count} * config.workers.count * kRing;
  for (const SecurityAssociation& sa : config.security_associations)
    need.tables += sa.direction == Direction::in ? kInboundSa : kOutboundSa;
  need.tables += config.local_sids.size() * kSid + config.policies.size() * kPolicy + config.routes.size() * kRoute +
                 adjacencies * kAdjacency * config.workers.count;
  return need;
}

std::uint32_t memory_unsaid(const Config& config) {
  constexpr std::uint32_t kStep = 64;
  return std::max(kLeastMemoryUnsaid, (memory_need(config).eal_mib() + kStep - 1) / kStep * kStep);
}

}  // namespace strata::config
