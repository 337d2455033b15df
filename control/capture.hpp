// `strata capture`: copies of packets at one place of the journey, or where they are dropped, while all of them go
// their way. A worker looks only while somebody asked; what it copied is handed to the main thread, and never waited
// for.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "control/filter.hpp"
#include "dataplane/worker_set.hpp"

namespace strata {

// By the header that packets begin with. Where there is any, packets that begin with another header do not match.
struct PacketFilter {
  FrameFilter ethernet;
  FrameFilter ip;

  bool matches(const StageFacts* at, wire::Bytes packet) const;
};

// What is looked for.
struct CaptureWish {
  const StageFacts* at = nullptr;  // nullptr: where packets end
  std::optional<Cause> cause;      // those that end for it; nothing: those that are dropped, whatever for
  PacketFilter filter;
  std::size_t octets = SIZE_MAX;     // of each packet
  std::uint64_t count = UINT64_MAX;  // packets; then it ends
  bool with_payload = false;         // to somebody who may see what an SA has opened or is to seal
};

enum class Heading : std::uint8_t { in, out, none };

struct CapturedPacket {
  std::uint64_t order = 0;
  std::uint64_t time_ns = 0;        // of the worker's clock
  const StageFacts* at = nullptr;   // nullptr: not known
  std::optional<Cause> cause;       // for which it ended
  PortId port = PortId::none();     // where it came in, as far as it is known, or goes out
  Heading heading = Heading::none;  // there
  std::size_t length = 0;           // octets that it has at this place
  std::vector<std::uint8_t> octets{};
  std::size_t withheld = 0;  // octets of it that are not for whoever asked
};

class Capture {
 public:
  // Of all workers together. Above that packets are lost, to the capture alone.
  static constexpr unsigned kPacketsPerSecond = 5000;
  static constexpr std::size_t kOctetsPerSecond = std::size_t{8} << 20;
  // Of a worker, that the main thread has not fetched.
  static constexpr std::size_t kMostWaiting = 4096;
  static constexpr std::size_t kMostOctetsWaiting = std::size_t{2} << 20;

  explicit Capture(unsigned workers);

  // Whether what is there may be seen by everybody who may ask at all, if the unprotected side's wire shows it.
  static bool is_on_the_wire(const StageFacts& place) {
    return place.open != Open::nothing || &place == &kStageFacts<stage::Out>;
  }

  // The main thread's, while the workers stand still. The wish is theirs from then on.
  void begin(CaptureWish wish);
  // The main thread's: their round is the last that looks.
  void end() { on_ = false; }
  // The main thread's, while the workers stand still: nothing is left with them.
  void end_and_fetch();

  // The main thread's. Nothing: there is none now.
  std::optional<CapturedPacket> next();
  // What is there and was not fetched is lost.
  void drop_rest();
  // All that were wished for were fetched.
  bool is_done() const { return fetched_ >= wish_.count; }
  std::uint64_t fetched() const { return fetched_; }
  std::uint64_t lost() const { return lost_.load(std::memory_order_relaxed); }

  // Anybody's.
  bool is_on() const { return on_.load(std::memory_order_relaxed); }

 private:
  friend class CaptureEye;

  struct Waiting {
    std::vector<CapturedPacket> packets;
    std::size_t octets = 0;
  };
  // A worker's own, and what it has to hand over.
  struct Desk {
    std::uint64_t slice = 0;  // of a second, that the budget is for
    unsigned packets = 0;     // in it
    std::size_t octets = 0;   // in it
    Waiting kept;             // until the main thread does not hold the lock
    std::mutex mutex;
    Waiting given;
  };

  static void clear(Waiting& waiting);
  static void move_all(Waiting& from, std::vector<CapturedPacket>& to);
  void fetch(bool they_stand_still);

  CaptureWish wish_;
  std::uint64_t fetched_ = 0;
  std::vector<CapturedPacket> here_;          // fetched from the workers
  std::size_t next_ = 0;                      // of them
  std::vector<std::unique_ptr<Desk>> desks_;  // by worker
  std::atomic<std::uint64_t> taken_{0};
  std::atomic<std::uint64_t> order_{0};
  std::atomic<std::uint64_t> lost_{0};
  std::atomic<bool> on_{false};
};

// A worker's eye for one of its rounds.
class CaptureEye {
 public:
  CaptureEye(Capture& capture, WorkerSet& workers, unsigned worker, std::uint64_t now_ns);
  CaptureEye(const CaptureEye&) = delete;
  CaptureEye& operator=(const CaptureEye&) = delete;
  ~CaptureEye() { hand_over(); }

  // Packets that a step takes from their place.
  template <class Stage>
  void at(const Burst<Stage>& burst) {
    if (capture_.wish_.at != &kStageFacts<Stage>) return;
    for (std::size_t i = 0; i < burst.size(); ++i)
      if (is_shown(burst.row(i))) offer(seen(burst.row(i)), burst.bytes(i));
  }
  void ended(const Ended& end);

 private:
  // What an SA has opened or is to seal is never on the wire of the unprotected side; places where that may be are
  // asked for only by who may see it.
  template <class Stage>
  bool is_shown(const Row<Stage>& row) const {
    if (capture_.wish_.with_payload) return true;
    if constexpr (requires { row.from; }) return row.from.side() == Side::unprotected_side;
    if constexpr (std::same_as<Stage, stage::Out>)
      return worker_.tables().ports[row.port.index()].side == Side::unprotected_side;
    return false;
  }

  template <class Stage>
  CapturedPacket seen(const Row<Stage>& row) const {
    CapturedPacket packet{.time_ns = now_ns_, .at = &kStageFacts<Stage>, .cause = {}};
    if constexpr (std::same_as<Stage, stage::Out>) {
      packet.port = row.port;
      packet.heading = Heading::out;
    } else if constexpr (requires { row.from; }) {
      packet.port = row.from.port();
      packet.heading = std::same_as<Stage, stage::Made> ? Heading::none : Heading::in;
    }
    return packet;
  }

  void offer(CapturedPacket packet, wire::Bytes bytes);
  bool has_room(std::size_t octets);
  void hand_over();

  Capture& capture_;
  const Worker& worker_;
  Capture::Desk& desk_;
  std::uint64_t now_ns_;
  unsigned workers_;
};

}  // namespace strata
