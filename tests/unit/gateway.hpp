// A worker with its ports, driven from C++, and all that it shows to the outside.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "config/parser.hpp"
#include "control/build.hpp"
#include "dataplane/worker.hpp"
#include "tests/unit/dataplane_env.hpp"
#include "tests/unit/idle_eye.hpp"
#include "tests/unit/mbuf_probe.hpp"

namespace strata::test {

struct Outcome {
  std::vector<std::vector<Octets>> sent;  // by port
  std::array<std::uint64_t, kCauseCount> ends{};
  std::vector<std::array<std::uint64_t, 2>> sas;      // packets, octets
  std::vector<std::array<std::uint64_t, 3>> out_sas;  // packets, octets, the last number
  std::vector<std::array<std::uint64_t, 2>> sids;     // packets, octets
  std::vector<std::pair<Cause, std::optional<std::uint32_t>>> audit;

  std::uint64_t count(Cause cause) const { return ends[static_cast<std::size_t>(cause)]; }
};

inline void expect_same(const Outcome& is, const Outcome& should_be) {
  EXPECT_EQ(is.sent, should_be.sent);
  for (const CauseText& text : kCauses) EXPECT_EQ(is.count(text.cause), should_be.count(text.cause)) << text.name;
  EXPECT_EQ(is.sas, should_be.sas);
  EXPECT_EQ(is.out_sas, should_be.out_sas);
  EXPECT_EQ(is.sids, should_be.sids);
  EXPECT_EQ(is.audit, should_be.audit);
}

inline config::Config config_of(const std::string& text) {
  auto config = config::parse_text(text, "gateway.yaml");
  EXPECT_TRUE(config) << (config ? "" : to_string(config.error().front(), "gateway.yaml"));
  return std::move(*config);
}

class Gateway {
 public:
  static constexpr std::uint64_t kStart = 1'000'000'000;  // the time of a turn where a test does not say one

  explicit Gateway(const config::Config& config, unsigned buffers = 255, std::uint16_t room = 2048)
      : pool_(make_pool(buffers, room)) {
    std::vector<wire::MacAddress> macs;
    std::array<std::uint16_t, kMaxPorts> devices{};
    for (const config::Port& port : config.ports) {
      macs.push_back(port.mac.value());
      names_.push_back(unique_name("port"));
      ports_.push_back(make_port(pool_, names_.back()));
      devices[ports_.size() - 1] = ports_.back().device();
    }
    tables_ = std::move(build_tables(config, macs).value());
    worker_ = std::move(Worker::create(*tables_, devices, pool_).value());
    outcome_.sent.resize(ports_.size());
  }

  // One burst: up to 64 frames of one port. What was sent stays in the ports until collect().
  template <class Eye = NoEye>
  void turn(std::size_t port, std::span<const Octets> frames, std::optional<Poison> poison = std::nullopt,
            std::uint64_t now_ns = kStart, Eye eye = {}) {
    for (const Octets& frame : frames) ASSERT_NE(ports_[port].feed(pool_, frame, poison), nullptr);
    const PortId id(static_cast<std::uint8_t>(port));
    ASSERT_EQ(worker_->turn(id, 0, kBurstSize, now_ns, eye), frames.size());
    received_ += frames.size();
  }
  // The same from burst to burst, as where somebody looks on.
  void turn_step_by_step(std::size_t port, std::span<const Octets> frames) {
    turn(port, frames, std::nullopt, kStart, IdleEye());
  }
  // One frame, of buffers of another pool.
  void turn_of_chain(std::size_t port, void* chain) {
    ASSERT_EQ(rte_ring_enqueue(rte_ring_lookup((names_[port] + "_rx").c_str()), chain), 0);
    NoEye eye;
    ASSERT_EQ(worker_->turn(PortId(static_cast<std::uint8_t>(port)), 0, kBurstSize, kStart, eye), 1u);
    ++received_;
  }
  void turn_at(std::uint64_t now_ns, std::size_t port, std::span<const Octets> frames) {
    turn(port, frames, std::nullopt, now_ns);
  }
  void tick(std::uint64_t now_ns) { worker_->tick(now_ns); }

  // What the ports have sent since the last call is added to the outcome.
  void collect() {
    for (std::size_t i = 0; i < ports_.size(); ++i)
      ports_[i].collect([&](const void* buffer, std::span<const std::uint8_t> frame) {
        EXPECT_TRUE(is_within_its_buffer(buffer)) << frame.size();
        outcome_.sent[i].emplace_back(frame.begin(), frame.end());
      });
    collect_audit();
  }
  // What a port has sent since this was last asked for it.
  std::vector<Octets> newly_sent(std::size_t port) {
    collect();
    asked_.resize(ports_.size());
    std::vector<Octets> news(outcome_.sent[port].begin() + asked_[port], outcome_.sent[port].end());
    asked_[port] = static_cast<std::ptrdiff_t>(outcome_.sent[port].size());
    return news;
  }

  // What came in or began here has left, ended for a cause, or waits; and each buffer is one that waits.
  void expect_conserved() {
    collect();
    std::uint64_t sent = 0;
    for (std::size_t i = 0; i < ports_.size(); ++i) {
      EXPECT_EQ(worker_->sent(PortId(static_cast<std::uint8_t>(i))), outcome_.sent[i].size());
      sent += outcome_.sent[i].size();
    }
    const Ends& ends = worker_->ends();
    EXPECT_EQ(received_ + ends.generated(), sent + worker_->parked() + ends.count(Fate::dropped) +
                                                ends.count(Fate::consumed) + ends.count(Fate::punted));
    EXPECT_EQ(pool_.in_use(), worker_->parked());
  }
  // What still waits ends, and nothing may be left.
  Outcome finish() {
    expect_conserved();
    worker_->finish();
    expect_conserved();
    EXPECT_EQ(worker_->parked(), 0u);
    EXPECT_EQ(pool_.in_use(), 0u);
    for (std::size_t i = 0; i < kCauseCount; ++i) outcome_.ends[i] = worker_->ends().count(static_cast<Cause>(i));
    for (const InboundSa& sa : tables_->sas) outcome_.sas.push_back({sa.packets, sa.octets});
    for (const OutboundSa& sa : tables_->out_sas) outcome_.out_sas.push_back({sa.packets, sa.octets, sa.sequence});
    for (const SidCounter& sid : worker_->sid_counters()) outcome_.sids.push_back({sid.packets, sid.octets});
    return outcome_;
  }

  OutboundSa& out_sa() { return tables_->out_sas.at(0); }
  Worker& worker() { return *worker_; }
  Pool& pool() { return pool_; }

 private:
  // The steps note their events one after the other for a whole burst; here they stand as the packets came.
  void collect_audit() {
    std::vector<AuditEvent> events;
    worker_->audit().collect([&](const AuditEvent& event) { events.push_back(event); });
    std::stable_sort(events.begin(), events.end(), [](const AuditEvent& a, const AuditEvent& b) {
      return static_cast<std::size_t>(a.from.place()) < static_cast<std::size_t>(b.from.place());
    });
    for (const AuditEvent& event : events) outcome_.audit.emplace_back(event.cause, event.sequence);
  }

  Pool pool_;
  std::vector<std::string> names_;
  std::vector<RingPort> ports_;
  std::unique_ptr<Tables> tables_;
  std::unique_ptr<Worker> worker_;
  Outcome outcome_;
  std::vector<std::ptrdiff_t> asked_;  // of sent, by port
  std::uint64_t received_ = 0;
};

}  // namespace strata::test
