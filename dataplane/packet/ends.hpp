// Where packets end that do not leave: dropped for a cause, consumed, or punted to the control plane. All are counted.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "dataplane/drop/cause_of.hpp"
#include "dataplane/packet/burst.hpp"
#include "dataplane/packet/last_ended.hpp"
#include "dataplane/relaxed.hpp"

namespace strata {

// A packet that ends, for whoever looks on.
struct Ended {
  const void* buffer;  // Burst::identity()
  Cause cause;
  bool goes_on;                         // something that we make of it does, in its buffer
  const StageFacts* at;                 // nullptr: not known
  TurnOf turn;                          // in which it ends
  std::size_t length;                   // octets that it has there
  std::span<const std::uint8_t> bytes;  // of them the first ones, that may be shown; valid while this is told
};

// Looks on in some rounds of a worker, in its thread.
class Onlooker {
 public:
  virtual void ended(const Ended& end) = 0;
  // All that is given to ports.
  virtual void leave(const Burst<stage::Out>& out) = 0;

 protected:
  ~Onlooker() = default;
};

// One worker's ledger. Buffers are given back to their pool a bulk at a time, by flush().
class Ends {
 public:
  Ends() = default;
  Ends(const Ends&) = delete;
  Ends& operator=(const Ends&) = delete;
  ~Ends() { flush(); }

  // What came in ends here, and something that we make of it goes on in its buffer: an ICMP error, say.
  template <class Stage>
  void note_answered(const Packet<Stage>& packet, Cause cause) {
    note(cause);
    show(Access::identity(packet), cause, true, &kStageFacts<Stage>, packet.bytes());
    ++generated_;
  }
  void note_joined(Cause cause, std::size_t packets) {
    counts_[static_cast<std::size_t>(cause)] += packets;
    ++generated_;
  }
  // A packet that began here.
  void note_generated(std::uint64_t packets = 1) { generated_ += packets; }
  std::uint64_t generated() const { return generated_; }

  template <class Stage>
  Done end(Packet<Stage>&& packet, Cause cause) {
    end_buffer(Access::release(std::move(packet)), cause, &kStageFacts<Stage>);
    return Access::done();
  }
  // Where only its buffer is known, not how far the packet had come.
  Done end_somewhere(Packet<stage::Out>&& packet, Cause cause) {
    end_buffer(Access::release(std::move(packet)), cause, nullptr);
    return Access::done();
  }

  void flush() {
    rte_pktmbuf_free_bulk(buffers_.data(), pending_);
    pending_ = 0;
  }

  std::uint64_t count(Cause cause) const { return counts_[static_cast<std::size_t>(cause)]; }
  std::uint64_t count(Fate fate) const;
  // Of the packet that ended first since mark(); count_: none did. Those that went into another one (note_joined) count
  // as that one.
  void mark(const TurnOf& turn = {}) {
    first_ = Cause::count_;
    turn_ = turn;
  }
  Cause first() const { return first_; }
  // From now on each end is told to it too; nullptr: to nobody.
  void watch(Onlooker* onlooker) { onlooker_ = onlooker; }
  // What they began with.
  const LastEnded& last() const { return *last_; }

 private:
  // Apart: it stands behind every check of the journey, and few packets come here.
  [[gnu::noinline]] void end_buffer(rte_mbuf* buffer, Cause cause, const StageFacts* at) {
    note(cause);
    show(buffer, cause, false, at, {rte_pktmbuf_mtod(buffer, const std::uint8_t*), rte_pktmbuf_data_len(buffer)});
    buffers_[pending_++] = buffer;
    if (pending_ == buffers_.size()) flush();
  }
  void show(const void* buffer, Cause cause, bool goes_on, const StageFacts* at, std::span<const std::uint8_t> bytes) {
    last_->note(cause, at, turn_, bytes);
    if (onlooker_ == nullptr) [[likely]]
      return;
    const auto shown = bytes.first(std::min(bytes.size(), most_shown(cause)));
    onlooker_->ended({buffer, cause, goes_on, at, turn_, bytes.size(), shown});
  }
  void note(Cause cause) {
    ++counts_[static_cast<std::size_t>(cause)];
    if (first_ == Cause::count_) first_ = cause;
  }

  std::array<Relaxed<std::uint64_t>, kCauseCount> counts_{};
  Relaxed<std::uint64_t> generated_ = 0;
  Cause first_ = Cause::count_;
  unsigned pending_ = 0;
  std::array<rte_mbuf*, kBurstSize> buffers_;
  TurnOf turn_;
  Onlooker* onlooker_ = nullptr;
  std::unique_ptr<LastEnded> last_ = std::make_unique<LastEnded>();  // apart: it is large, and seldom touched
};

inline std::uint64_t Ends::count(Fate fate) const {
  std::uint64_t sum = 0;
  for (const CauseText& text : kCauses)
    if (text.fate == fate) sum += count(text.cause);
  return sum;
}

// The ledger as one stage sees it: only the causes that its signature names.
template <Cause... Listed>
class EndsOf {
 public:
  using cause_type = CauseOf<Listed...>;
  static constexpr std::array<Cause, sizeof...(Listed)> kListed{Listed...};

  explicit EndsOf(Ends& ends) : ends_(&ends) {}

  template <class Stage>
  Done end(Packet<Stage>&& packet, cause_type cause) const {
    return ends_->end(std::move(packet), cause.value());
  }
  Done end_somewhere(Packet<stage::Out>&& packet, cause_type cause) const {
    return ends_->end_somewhere(std::move(packet), cause.value());
  }
  template <class Stage>
  void note_answered(const Packet<Stage>& packet, cause_type cause) const {
    ends_->note_answered(packet, cause.value());
  }
  void note_generated() const { ends_->note_generated(); }
  // That many packets became one that goes on.
  void note_joined(cause_type cause, std::size_t packets) const { ends_->note_joined(cause.value(), packets); }

 private:
  Ends* ends_;
};

}  // namespace strata
