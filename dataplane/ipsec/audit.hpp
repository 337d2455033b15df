// Auditable events (RFC 4303 section 4): what was refused, by which SPI, between which addresses, with which number.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "dataplane/drop/cause.hpp"
#include "dataplane/packet/stage.hpp"
#include "dataplane/relaxed.hpp"

namespace strata {

struct AuditEvent {
  struct Inner {
    wire::Ipv6Address source;
    wire::Ipv6Address destination;
  };

  std::uint64_t time_ns = 0;  // of the receive burst, by the worker's clock; note() fills it in
  Cause cause;
  Origin from;
  std::optional<std::uint32_t> spi{};       // nothing: a fragment that does not show it
  std::optional<std::uint32_t> sequence{};  // the half that is on the wire; nothing: not seen, or opened since
  wire::Ipv4Address source{};               // of the outer packet
  wire::Ipv4Address destination{};
  std::optional<Inner> inner{};  // of the packet inside, once it was opened; then the outer addresses are gone
};

// One worker's events until the control side collects them. At most kPerSecond for each cause and second are kept, so
// that a flood of bad packets makes no flood of log lines; the others are counted.
class Audit {
 public:
  static constexpr unsigned kPerSecond = 10;
  static constexpr std::size_t kKept = 128;

  Audit() { events_.reserve(kKept); }

  void set_time(std::uint64_t now_ns) { now_ns_ = now_ns; }

  void note(const AuditEvent& event) {
    Budget& budget = budgets_[static_cast<std::size_t>(event.cause)];
    const std::uint64_t second = now_ns_ / 1'000'000'000;
    if (budget.second != second) budget = {second, 0};
    if (budget.used == kPerSecond) {
      ++suppressed_;
      return;
    }
    const std::lock_guard lock(mutex_);
    if (events_.size() == kKept) {
      ++suppressed_;
      return;
    }
    ++budget.used;
    events_.push_back(event);
    events_.back().time_ns = now_ns_;
  }

  // Hands every event kept to `take` and forgets it. From any thread: no more than a few events a second are kept, so
  // that a lock costs nothing.
  template <class Take>
  void collect(Take&& take) {
    std::vector<AuditEvent> kept;
    {
      const std::lock_guard lock(mutex_);
      kept = events_;
      events_.clear();
    }
    for (const AuditEvent& event : kept) take(event);
  }

  std::uint64_t suppressed() const { return suppressed_; }

  // RFC 6040 section 4.2: marks that no honest path makes are to be logged; they are counted.
  void note_ecn(const wire::EcnDecap& ecn) {
    if (ecn.anomalous) [[unlikely]]
      ++ecn_anomalies_;
  }
  std::uint64_t ecn_anomalies() const { return ecn_anomalies_; }

 private:
  struct Budget {
    std::uint64_t second = 0;
    unsigned used = 0;
  };

  std::mutex mutex_;
  std::vector<AuditEvent> events_;  // never grows past what was reserved
  std::uint64_t now_ns_ = 0;
  Relaxed<std::uint64_t> suppressed_ = 0;
  Relaxed<std::uint64_t> ecn_anomalies_ = 0;
  std::array<Budget, kCauseCount> budgets_{};
};

}  // namespace strata
