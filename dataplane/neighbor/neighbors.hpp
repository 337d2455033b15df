// Which next hops have a MAC address, which are being asked for it, and when to ask again (RFC 826, RFC 1122 section
// 2.3.2). Packets are no part of it.
//
//   idle ──want()──> asking ──learn()──> reachable ──reachable_ns──> probing ──learn()──> reachable
//                      └─ tries without an answer: idle, or gone if it was only learned ─┘
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "dataplane/neighbor/due_heap.hpp"
#include "dataplane/neighbor/neighbor_board.hpp"
#include "dataplane/table/adjacency.hpp"

struct rte_hash;

namespace strata {

struct NeighborSettings {
  bool enabled = true;  // false: nobody is asked, and nobody is answered
  unsigned hold = 16;
  unsigned tries = 3;
  std::uint64_t interval_ns = 1'000'000'000;
  std::uint64_t reachable_ns = 60'000'000'000;
  unsigned learned = 4096;  // on each port
};

class Neighbors {
 public:
  // adjacencies: those of the configuration, with room behind them for settings.learned more a port; outlive this.
  static tl::expected<Neighbors, std::string> create(AdjacencyTable& adjacencies, const NeighborSettings& settings);
  Neighbors(Neighbors&&) noexcept = default;
  Neighbors& operator=(Neighbors&&) = delete;

  // none(): it is not known.
  AdjId<V4> find(PortId port, wire::Ipv4Address address) const;
  // like: an adjacency of the same port. none(): there is no room for one more on it. Whoever speaks on one port takes
  // no room of another's.
  AdjId<V4> find_or_add(PortId port, wire::Ipv4Address address, const Adjacency& like);

  const Adjacency& operator[](AdjId<V4> id) const { return (*adjacencies_)[id]; }

  // What a station on a port says of itself. Where it was waited for, the packets that waited can go.
  void learn(AdjId<V4> id, const wire::MacAddress& mac, std::uint64_t now_ns);

  // A packet waits for it. True: it is to be asked now; further questions come by next_event().
  bool want(AdjId<V4> id, std::uint64_t now_ns);

  // When there is something to do next.
  std::uint64_t next_due() const { return due_.next_due(); }

  // What is due, the longest due first; nothing: no more is. After gave_up, and once nobody waits for it any more,
  // forget().
  enum class What : std::uint8_t { ask, gave_up };
  struct Event {
    What what;
    AdjId<V4> id;
  };
  std::optional<Event> next_event(std::uint64_t now_ns);
  void forget(AdjId<V4> id);  // once more is no harm

  // Others are told of what changes from now on: by publish(), once all that waited for it is on its way.
  void tell(NeighborBoard& board) { board_ = &board; }
  void publish();
  // What others are told, taken over.
  void take_over(const NeighborBoard::Change& change, const Adjacency& link, std::uint64_t now_ns);

  // The configuration has this next hop from now on, or says something else of it; resolved: by its word alone. What
  // was learned of it under another ID goes on under this one; that ID is returned, else none().
  AdjId<V4> configure(AdjId<V4> id, const Adjacency& as, std::uint64_t now_ns);
  // The configuration has it no longer. What is known of it goes on as if it had been learned, if there is room.
  void unconfigure(AdjId<V4> id, std::uint64_t now_ns);
  // Whether there is such a next hop.
  bool is_there(AdjId<V4> id) const { return states_[id.index()].phase != Phase::free; }

  // Those there are. Idle: nothing was to be sent to it yet.
  enum class Phase : std::uint8_t { free, permanent, idle, asking, reachable, probing };
  struct Known {
    PortId port;
    wire::Ipv4Address address;
    std::optional<wire::MacAddress> mac;
    Phase phase;
  };
  // In place of what `known` held; when nobody changes them.
  void list(std::vector<Known>& known) const;

  const NeighborSettings& settings() const { return settings_; }
  std::size_t capacity() const { return states_.size(); }

 private:
  struct State {
    Phase phase = Phase::free;
    bool learned = false;  // not of the configuration: goes when it no longer answers
    unsigned tries_left = 0;
  };
  struct Free {
    void operator()(rte_hash* hash) const;
  };

  Neighbors(AdjacencyTable& adjacencies, const NeighborSettings& settings, rte_hash* index);
  bool enter(AdjId<V4> id);
  // False: it has been asked often enough.
  bool advance(AdjId<V4> id, std::uint64_t now_ns);
  void note_change(AdjId<V4> id);
  void free_learned(AdjId<V4> id);

  AdjacencyTable* adjacencies_;
  NeighborSettings settings_;
  std::unique_ptr<rte_hash, Free> index_;  // port and address to AdjId
  std::vector<State> states_;              // by AdjId
  std::vector<std::uint32_t> free_;
  std::array<std::uint32_t, 256> learned_{};  // by PortId
  DueHeap due_;                               // by AdjId
  NeighborBoard* board_ = nullptr;            // nullptr: there are no others
  std::vector<NeighborBoard::Change> changes_;
};

}  // namespace strata
