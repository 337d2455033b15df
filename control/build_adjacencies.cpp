// Next hops, each at its place in the table that the tables before have too.
#include <algorithm>

#include "config/memory.hpp"
#include "control/builder.hpp"
#include "dataplane/wire/ethernet.hpp"

namespace strata {

// On the host port the device's own MAC address is the kernel's: ours is another one.
wire::MacAddress beside(wire::MacAddress mac) {
  mac.octets[0] = static_cast<std::uint8_t>((mac.octets[0] | 0x02) & ~0x01);  // locally administered, of one station
  mac.octets[5] ^= 0x01;
  return mac;
}

// On which there are neighbors to ask: all but the one to this machine's own kernel.
std::size_t asking_ports(const config::Config& config) {
  return static_cast<std::size_t>(
      std::ranges::count_if(config.ports, [](const config::Port& port) { return !port.host; }));
}

// What all neighbors on a port have in common.
Adjacency Builder::link_of(PortId id) const {
  const PortEntry& port = tables_->ports[id.index()];
  EthernetHeader header{};
  std::copy_n(port.mac.octets.begin(), 6, header.begin() + 6);
  wire::store_be16(&header[12], wire::kEtherIpv4);
  return {.header = header, .port = id, .side = port.side, .resolved = false, .mtu = port.mtu, .address = {}};
}

void Builder::begin_adjacencies() {
  const std::size_t size = before_ != nullptr ? before_->tables.adjacencies.size() : 0;
  free_adjacencies_.emplace(size, before_ != nullptr ? before_->tables.adjacencies.room() : SIZE_MAX);
  adjacencies_.resize(size, AdjacencyTable::none());
  adjacency_is_new_.resize(size);
  if (before_ == nullptr) return;
  for (const auto& [key, id] : before_->places.adjacencies) free_adjacencies_->take(id.index());
}

AdjId<V4> Builder::adjacency(const std::string& port_name, wire::Ipv4Address address) {
  return adjacency(port_by_name_.at(port_name), address);
}

AdjId<V4> Builder::adjacency(PortId port, wire::Ipv4Address address) {
  const std::uint64_t key = Places::key_of(port, address);
  if (const auto at = made_.places.adjacencies.find(key); at != made_.places.adjacencies.end()) return at->second;
  const bool stays = before_ != nullptr && before_->places.adjacencies.contains(key);
  const AdjId<V4> id = stays ? before_->places.adjacencies.at(key)
                             : AdjId<V4>(place_from(*free_adjacencies_, "next hops",
                                                    before_ != nullptr ? before_->tables.adjacencies.room() : 0));
  made_.places.adjacencies.emplace(key, id);
  adjacencies_.resize(std::max<std::size_t>(adjacencies_.size(), id.index() + 1), AdjacencyTable::none());
  adjacency_is_new_.resize(adjacencies_.size());
  adjacency_is_new_[id.index()] = !stays;
  adjacencies_[id.index()] = tables_->links[port.index()];
  adjacencies_[id.index()].address = address;
  return id;
}

void Builder::neighbors() {
  for (const config::Neighbor& neighbor : config_.neighbors) {
    Adjacency& made = adjacencies_.at(adjacency(neighbor.port, neighbor.address).index());
    std::copy_n(neighbor.mac.octets.begin(), 6, made.header.begin());
    made.resolved = true;
  }
}

// Those that are gone first: what comes may be learned by what they leave.
void Builder::change_adjacencies() {
  if (before_ == nullptr) {
    const std::size_t later = config::room_for(adjacencies_.size()) - adjacencies_.size();
    tables_->adjacencies =
        AdjacencyTable(std::move(adjacencies_), asking_ports(config_) * config_.arp.neighbors, later);
    return;
  }
  tables_->adjacencies = before_->tables.adjacencies.share(adjacencies_.size());
  using What = AdjacencyChange::What;
  for (const auto& [key, id] : before_->places.adjacencies)
    if (!made_.places.adjacencies.contains(key))
      made_.change.adjacencies.push_back({id, What::gone, AdjacencyTable::none()});
  std::unordered_map<std::uint64_t, wire::MacAddress> said;
  for (const config::Neighbor& of : before_->config.neighbors)
    said.emplace(Places::key_of(port_by_name_.at(of.port), of.address), of.mac);
  for (const auto& [key, id] : made_.places.adjacencies) {
    const Adjacency& as = adjacencies_[id.index()];
    const auto was = said.find(key);
    const bool same =
        id == tables_->host ||
        (as.resolved ? was != said.end() && was->second == wire::read_mac(as.header.data()) : was == said.end());
    if (adjacency_is_new_[id.index()] || !same) made_.change.adjacencies.push_back({id, What::configured, as});
  }
}

void Builder::host_port() {
  for (std::size_t i = 0; i < config_.ports.size(); ++i) {
    if (!config_.ports[i].host) continue;
    tables_->host = adjacency(PortId(static_cast<std::uint8_t>(i)), wire::Ipv4Address{});
    Adjacency& kernel = adjacencies_[tables_->host.index()];
    std::copy_n(macs_[i].octets.begin(), 6, kernel.header.begin());
    kernel.resolved = true;
  }
}

}  // namespace strata
