// `strata trace`: some of the packets that arrive are followed through the journey, while all others go theirs. A
// worker looks only while somebody asked; what it saw is handed to the main thread, and never waited for.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "control/explain.hpp"
#include "dataplane/worker_set.hpp"

namespace strata {

// What is looked for.
struct TraceWish {
  std::function<bool(wire::Bytes frame)> matches;  // called by the workers; empty: each frame
  std::uint64_t count = UINT64_MAX;                // packets; then it ends
  std::optional<Cause> cause;                      // only those that ended so are told
  bool with_payload = false;                       // to somebody who may see what an SA has opened or is to seal
};

// One packet's journey, as far as it is told.
struct TracedPacket {
  std::uint64_t number = 0;
  PortId port = PortId::none();
  std::size_t length = 0;           // octets of the frame
  std::vector<std::uint8_t> frame;  // the first ones, as it came
  std::vector<std::string> steps;   // as of `strata replay --explain`
  bool waits = false;               // it has not come to an end in time
  std::optional<Cause> cause;       // nothing: it was sent, or waits
  PortId to = PortId::none();       // by which it left, or something in its stead
};

class Trace {
 public:
  using Clock = std::chrono::steady_clock;

  static constexpr std::size_t kMostAtOnce = 64;     // packets on their way that are followed
  static constexpr unsigned kPerSecond = 500;        // packets that a worker begins to follow
  static constexpr std::size_t kFrameOctets = 128;   // of a frame, kept
  static constexpr std::size_t kMostWaiting = 4096;  // events of a worker that the main thread has not fetched
  static constexpr std::chrono::seconds kLongestWait{2};

  // tables: that the workers go by; names: of these.
  Trace(const Tables& tables, Names names, unsigned workers);

  // The main thread's, at a reload: each worker begins at its own time to go by other tables, and its packets are told
  // of by their names from then on.
  void expect(const Tables& tables, Names names);
  // All of them have begun.
  void forget_before();

  // The main thread's. The wish is the workers' from then on, so it begins while they stand still.
  void begin(TraceWish wish);
  // Their round is the last that looks.
  void end() { on_ = false; }

  // The main thread's: journeys that have come to their end, or that waited for long.
  std::vector<TracedPacket> collect(Clock::time_point now);
  // All that were wished for were told.
  bool is_done() const { return told_ >= wish_.count; }
  std::uint64_t told() const { return told_; }
  // What the workers saw and nobody fetched in time.
  std::uint64_t lost() const { return lost_.load(std::memory_order_relaxed); }

  // Anybody's.
  bool is_on() const { return on_.load(std::memory_order_relaxed); }

 private:
  friend class TraceEye;

  enum class What : std::uint8_t { came, step, answered, ended, sent };
  struct Event {
    std::uint64_t order = 0;
    std::uint64_t packet = 0;
    What what = What::step;
    PortId port = PortId::none();
    Cause cause = Cause::count_;
    std::size_t length = 0;
    std::string text{};
    std::vector<std::uint8_t> frame{};
  };
  // A packet that is followed, known by its buffer. Whoever has the packet writes it.
  struct Followed {
    std::atomic<const void*> buffer{nullptr};
    std::atomic<std::uint64_t> packet{0};
    std::atomic<std::uint64_t> since_ns{0};
  };
  // A worker's own, and what it has to say.
  struct Desk {
    std::uint64_t second = 0;  // of the budget
    unsigned begun = 0;        // in it
    std::vector<Event> kept;   // until the main thread does not hold the lock
    std::mutex mutex;
    std::vector<Event> events;
  };
  struct Journey {
    TracedPacket packet;
    Clock::time_point last;
    bool has_come = false;
    bool ended = false;
    bool is_old = false;  // it had ended the time before: no other worker's part can still be missing
  };

  struct Naming {
    std::atomic<const Tables*> tables{nullptr};  // only to be known by
    std::unique_ptr<const Names> names;          // written while no worker goes by these tables
  };

  void take(Event& event, Clock::time_point now);
  Followed* find(const void* buffer);
  const Names& names_of(const Tables& tables) const;

  std::array<Naming, 2> namings_;  // of those before and of those that come, in turns
  std::size_t naming_ = 0;         // of them, the main thread's
  TraceWish wish_;
  std::uint64_t told_ = 0;
  std::map<std::uint64_t, Journey> journeys_;
  std::vector<std::unique_ptr<Desk>> desks_;  // by worker
  std::array<Followed, kMostAtOnce> followed_;
  std::atomic<unsigned> on_the_way_{0};  // of them
  std::atomic<std::uint64_t> begun_{0};
  std::atomic<std::uint64_t> order_{0};
  std::atomic<std::uint64_t> lost_{0};
  std::atomic<bool> on_{false};
};

// A worker's eye for one of its rounds.
class TraceEye {
 public:
  TraceEye(Trace& trace, WorkerSet& workers, unsigned worker, std::uint64_t now_ns);
  TraceEye(const TraceEye&) = delete;
  TraceEye& operator=(const TraceEye&) = delete;
  ~TraceEye();

  template <class... Stages>
  void after(const char* step, const Burst<Stages>&... bursts) {
    settle_ends();
    const std::string_view name = step;
    // Whatever left before is gone: its buffer may be another packet's from here on.
    const bool is_new = name == "rx" || name == "pick_up" || name == "resume";
    if (is_new) settle_sent();
    (look(step, is_new, bursts), ...);
  }
  void ended(const Ended& end) { ended_.push_back({end.buffer, end.cause, end.goes_on}); }

 private:
  struct End {
    const void* buffer;
    Cause cause;
    bool goes_on;
  };
  struct Mine {
    const void* buffer;
    std::uint64_t packet;
    std::string said;            // at its last step
    PortId to = PortId::none();  // it is at Out
  };

  template <class Stage>
  void look(const char* step, bool is_new, const Burst<Stage>& burst) {
    if constexpr (std::same_as<Stage, stage::Frame>) {
      for (std::size_t i = 0; i < burst.size(); ++i)
        arrived(burst.identity(i), burst.row(i).from.port(), burst.bytes(i));
    } else {
      if (is_new)
        for (std::size_t i = 0; i < burst.size(); ++i) recognize(burst.identity(i));
      if (mine_.empty()) return;
      for (std::size_t i = 0; i < burst.size(); ++i)
        if (Mine* mine = my(burst.identity(i))) saw(step, *mine, burst.row(i), burst.bytes(i));
    }
  }

  template <class Stage>
  void saw(const char* step, Mine& mine, const Row<Stage>& row, wire::Bytes bytes) {
    if (!mine.to.is_none()) return;
    const bool hidden = kStageFacts<Stage>.open == Open::nothing && !trace_.wish_.with_payload;
    std::string said = hidden ? std::string(kStageFacts<Stage>.name) + ", not for you" : teller().tell(row, bytes);
    if (said.empty() || said == mine.said) return;
    note({.packet = mine.packet, .what = Trace::What::step, .text = std::string(step) + ": " + said});
    mine.said = std::move(said);
    if constexpr (std::same_as<Stage, stage::Out>) leaves(mine, row.port);
  }

  Teller teller() const { return {trace_.names_of(worker_.tables()), worker_.tables(), worker_.adjacencies()}; }
  void arrived(const void* buffer, PortId port, wire::Bytes frame);
  bool wants(PortId port, wire::Bytes frame);
  void follow(const void* buffer, PortId port, wire::Bytes frame);
  void recognize(const void* buffer);
  void leaves(Mine& mine, PortId port);
  void forget(const void* buffer);
  void settle_ends();
  void settle_sent();
  void note(Trace::Event event);
  Mine* my(const void* buffer) {
    for (Mine& mine : mine_)
      if (mine.buffer == buffer) return &mine;
    return nullptr;
  }

  Trace& trace_;
  Worker& worker_;
  Trace::Desk& desk_;
  std::uint64_t now_ns_;
  std::vector<Mine> mine_;
  std::vector<End> ended_;
};

}  // namespace strata
