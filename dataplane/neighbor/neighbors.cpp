#include "dataplane/neighbor/neighbors.hpp"

#include <rte_errno.h>
#include <rte_hash.h>
#include <rte_hash_crc.h>

#include <algorithm>
#include <atomic>
#include <utility>

namespace strata {
namespace {

std::uint64_t key_of(PortId port, wire::Ipv4Address address) {
  return (std::uint64_t{port.index()} << 32) | address.value;
}

}  // namespace

void Neighbors::Free::operator()(rte_hash* hash) const { rte_hash_free(hash); }

Neighbors::Neighbors(AdjacencyTable& adjacencies, const NeighborSettings& settings, rte_hash* index)
    : adjacencies_(&adjacencies),
      settings_(settings),
      index_(index),
      states_(adjacencies.capacity()),
      due_(adjacencies.capacity()) {}

tl::expected<Neighbors, std::string> Neighbors::create(AdjacencyTable& adjacencies, const NeighborSettings& settings) {
  static std::atomic<unsigned> serial{0};  // DPDK finds tables by name: each needs its own
  const std::string name = "strata_nbr_" + std::to_string(serial++);
  rte_hash_parameters parameters{};
  parameters.name = name.c_str();
  parameters.entries = static_cast<std::uint32_t>(std::max<std::size_t>(adjacencies.capacity(), 8));
  parameters.key_len = sizeof(std::uint64_t);
  parameters.hash_func = rte_hash_crc;
  parameters.socket_id = SOCKET_ID_ANY;
  parameters.extra_flag = RTE_HASH_EXTRA_FLAGS_EXT_TABLE;  // all of them fit, whatever their hashes
  rte_hash* index = rte_hash_create(&parameters);
  if (index == nullptr) {
    return tl::unexpected("no memory for a table of " + std::to_string(adjacencies.capacity()) +
                          " neighbors: " + rte_strerror(rte_errno) + "; give EAL more, or set arp.neighbors lower");
  }
  Neighbors made(adjacencies, settings, index);
  for (std::uint32_t i = 0; i < adjacencies.size(); ++i) {
    const AdjId<V4> id(i);
    made.states_[i].phase = adjacencies[id].resolved ? Phase::permanent : Phase::idle;
    if (!made.enter(id)) return tl::unexpected(std::string("no memory for the table of neighbors"));
  }
  for (auto i = static_cast<std::uint32_t>(adjacencies.capacity()); i-- > adjacencies.room();) made.free_.push_back(i);
  return made;
}

bool Neighbors::enter(AdjId<V4> id) {
  const Adjacency& adj = (*adjacencies_)[id];
  const std::uint64_t key = key_of(adj.port, adj.address);
  void* const data =
      reinterpret_cast<void*>(std::uintptr_t{id.index()});  // NOLINT(performance-no-int-to-ptr): kept only
  return rte_hash_add_key_data(index_.get(), &key, data) == 0;
}

AdjId<V4> Neighbors::find(PortId port, wire::Ipv4Address address) const {
  const std::uint64_t key = key_of(port, address);
  void* data = nullptr;
  if (rte_hash_lookup_data(index_.get(), &key, &data) < 0) return AdjId<V4>::none();
  return AdjId<V4>(static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(data)));
}

AdjId<V4> Neighbors::find_or_add(PortId port, wire::Ipv4Address address, const Adjacency& like) {
  if (const AdjId<V4> known = find(port, address); !known.is_none()) return known;
  if (free_.empty() || learned_[port.index()] == settings_.learned) return AdjId<V4>::none();
  const AdjId<V4> id(free_.back());
  Adjacency& adj = adjacencies_->at(id);
  adj = like;
  adj.resolved = false;
  adj.address = address;
  if (!enter(id)) return AdjId<V4>::none();
  free_.pop_back();
  ++learned_[port.index()];
  states_[id.index()] = {.phase = Phase::idle, .learned = true, .tries_left = 0};
  return id;
}

void Neighbors::learn(AdjId<V4> id, const wire::MacAddress& mac, std::uint64_t now_ns) {
  State& state = states_[id.index()];
  if (state.phase == Phase::permanent) return;
  Adjacency& adj = adjacencies_->at(id);
  const bool changes = !adj.resolved || wire::read_mac(adj.header.data()) != mac;
  std::copy(mac.octets.begin(), mac.octets.end(), adj.header.begin());
  adj.resolved = true;
  if (changes) note_change(id);
  state.phase = Phase::reachable;
  due_.set(id.index(), now_ns + settings_.reachable_ns);
}

bool Neighbors::want(AdjId<V4> id, std::uint64_t now_ns) {
  State& state = states_[id.index()];
  if (state.phase != Phase::idle) return false;
  state.phase = Phase::asking;
  state.tries_left = settings_.tries - 1;
  due_.set(id.index(), now_ns + settings_.interval_ns);
  return true;
}

std::optional<Neighbors::Event> Neighbors::next_event(std::uint64_t now_ns) {
  if (next_due() > now_ns) return std::nullopt;
  const AdjId<V4> id(due_.first());
  if (advance(id, now_ns)) return Event{What::ask, id};
  due_.erase(id.index());
  return Event{What::gave_up, id};
}

bool Neighbors::advance(AdjId<V4> id, std::uint64_t now_ns) {
  State& state = states_[id.index()];
  if (state.phase == Phase::reachable) {
    state.phase = Phase::probing;
    state.tries_left = settings_.tries;
  }
  if (state.tries_left == 0) return false;
  --state.tries_left;
  due_.set(id.index(), now_ns + settings_.interval_ns);
  return true;
}

void Neighbors::note_change(AdjId<V4> id) {
  if (board_ == nullptr) return;
  const Adjacency& adj = (*adjacencies_)[id];
  changes_.push_back({adj.port, adj.address, wire::read_mac(adj.header.data()), adj.resolved});
}

void Neighbors::list(std::vector<Known>& known) const {
  known.clear();
  for (std::uint32_t i = 0; i < states_.size(); ++i) {
    if (states_[i].phase == Phase::free) continue;
    const Adjacency& adj = (*adjacencies_)[AdjId<V4>(i)];
    known.push_back({adj.port, adj.address, {}, states_[i].phase});
    if (adj.resolved) known.back().mac = wire::read_mac(adj.header.data());
  }
}

void Neighbors::publish() {
  if (changes_.empty()) return;
  board_->post(changes_);
  changes_.clear();
}

void Neighbors::take_over(const NeighborBoard::Change& change, const Adjacency& link, std::uint64_t now_ns) {
  const AdjId<V4> id =
      change.resolved ? find_or_add(change.port, change.address, link) : find(change.port, change.address);
  if (id.is_none()) return;
  if (change.resolved)
    learn(id, change.mac, now_ns);
  else
    forget(id);
}

void Neighbors::forget(AdjId<V4> id) {
  State& state = states_[id.index()];
  if (state.phase == Phase::free) return;
  Adjacency& adj = adjacencies_->at(id);
  if (std::exchange(adj.resolved, false)) note_change(id);
  due_.erase(id.index());
  state.phase = Phase::idle;
  if (!state.learned) return;
  const std::uint64_t key = key_of(adj.port, adj.address);
  rte_hash_del_key(index_.get(), &key);
  free_learned(id);
}

void Neighbors::free_learned(AdjId<V4> id) {
  --learned_[(*adjacencies_)[id].port.index()];
  states_[id.index()].phase = Phase::free;
  free_.push_back(id.index());
}

AdjId<V4> Neighbors::configure(AdjId<V4> id, const Adjacency& as, std::uint64_t now_ns) {
  State& state = states_[id.index()];
  Adjacency& adj = adjacencies_->at(id);
  AdjId<V4> before = AdjId<V4>::none();
  if (state.phase == Phase::free) {
    before = find(as.port, as.address);
    adj = as;
    (void)enter(id);  // there is room for all IDs there are
    state = {.phase = Phase::idle};
    if (!before.is_none()) {
      const State& was = states_[before.index()];
      state = {.phase = was.phase, .tries_left = was.tries_left};
      adj.resolved = (*adjacencies_)[before].resolved;
      adj.header = (*adjacencies_)[before].header;
      if (due_.has(before.index())) due_.set(id.index(), due_.due_of(before.index()));
      due_.erase(before.index());
      free_learned(before);
    }
  }
  if (as.resolved) {
    adj.header = as.header;
    adj.resolved = true;
    state.phase = Phase::permanent;
    due_.erase(id.index());
  } else if (state.phase == Phase::permanent) {
    adj.resolved = settings_.enabled;  // else nobody would ever ask
    state.phase = settings_.enabled ? Phase::reachable : Phase::idle;
    if (settings_.enabled) due_.set(id.index(), now_ns);
  }
  return before;
}

void Neighbors::unconfigure(AdjId<V4> id, std::uint64_t now_ns) {
  Adjacency& adj = adjacencies_->at(id);
  const Adjacency was = std::exchange(adj, AdjacencyTable::none());
  const std::uint64_t key = key_of(was.port, was.address);
  rte_hash_del_key(index_.get(), &key);
  due_.erase(id.index());
  states_[id.index()] = {};
  if (!was.resolved || !settings_.enabled) return;
  const AdjId<V4> learned = find_or_add(was.port, was.address, was);
  if (learned.is_none()) return;
  adjacencies_->at(learned) = was;
  states_[learned.index()].phase = Phase::reachable;
  due_.set(learned.index(), now_ns);
}

}  // namespace strata
