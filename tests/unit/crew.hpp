// Several workers with their ports, driven from C++ in one thread or in threads of their own.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "dataplane/worker_set.hpp"
#include "tests/threads/seen.hpp"
#include "tests/unit/frames.hpp"
#include "tests/unit/gateway.hpp"

namespace strata::test {

class Crew {
 public:
  Crew(config::Config with, unsigned workers, unsigned buffers = 16383)
      : pool_(make_pool(buffers)), made_(make_pool(1023)), config_(std::move(with)) {
    const config::Config& config = config_;
    std::vector<WorkerPort> ports;
    for (const config::Port& port : config.ports) {
      macs_.push_back(port.mac.value());
      const std::string name = unique_name("port");
      ports_.push_back(make_port(pool_, name));
      let_tsan_see(ports_.back().device(), name);
      ports.push_back({.device = ports_.back().device()});
    }
    Built built = std::move(build(config, macs_).value());
    tables_ = std::move(built.tables);
    places_ = std::move(built.places);
    set_ = std::move(WorkerSet::create(*tables_, ports, made_, workers).value());
    sent_.resize(ports_.size());
  }
  ~Crew() { stop(); }
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  // False: the port's ring is full.
  bool feed(std::size_t port, const Octets& frame) {
    if (ports_[port].feed(pool_, frame, std::nullopt) == nullptr) return false;
    ++received_;
    return true;
  }
  void feed_all(std::size_t port, const std::vector<Octets>& frames) {
    for (const Octets& frame : frames) ASSERT_TRUE(feed(port, frame));
  }

  // In this thread: rounds of one worker, or of all until there is nothing more to do.
  std::size_t round(unsigned worker) { return set_->round(worker, ++now_ns_); }
  void settle() {
    for (std::size_t busy = 1; busy != 0;) {
      busy = 0;
      for (unsigned i = 0; i < set_->size(); ++i) busy += round(i);
      collect();
    }
  }

  // In threads of their own.
  void start() {
    running_ = true;
    for (unsigned i = 0; i < set_->size(); ++i)
      threads_.emplace_back([this, i] {
        while (running_.load()) {
          if (set_->round(i, clock_ns()) == 0) std::this_thread::yield();
        }
      });
  }
  void stop() {
    running_ = false;
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    now_ns_ = std::max(now_ns_, clock_ns());
  }

  // Another configuration, while the threads go round.
  tl::expected<void, std::string> reload(config::Config config) {
    auto next = rebuild(config, macs_, {config_, *tables_, places_, gone_windows_});
    if (!next) return tl::unexpected(std::move(next.error()));
    auto path_mtus = std::make_unique<PathMtus>(*next->tables);
    set_->replace(next->change, std::move(path_mtus));
    note_windows(config_, places_, next->gone_sas, *next->tables, gone_windows_);
    retire_sas(config_, places_, next->gone_sas, *next->tables);
    tables_ = std::move(next->tables);
    places_ = std::move(next->places);
    config_ = std::move(config);
    return {};
  }

  void collect() {
    for (std::size_t i = 0; i < ports_.size(); ++i)
      ports_[i].collect(
          [&](const void*, std::span<const std::uint8_t> frame) { sent_[i].emplace_back(frame.begin(), frame.end()); });
  }
  // Fed, and not collected yet; where each comes out.
  std::uint64_t on_their_way() const {
    std::uint64_t sent = 0;
    for (const auto& frames : sent_) sent += frames.size();
    return received_ - sent;
  }
  const std::vector<Octets>& sent(std::size_t port) const { return sent_[port]; }

  std::uint64_t count(Cause cause) {
    std::uint64_t sum = 0;
    for (unsigned i = 0; i < set_->size(); ++i) sum += set_->worker(i).ends().count(cause);
    return sum;
  }
  std::uint64_t steps(unsigned worker, Step step) { return set_->worker(worker).steps().of(step); }

  // Of all workers together; when none of them goes round.
  void expect_conserved() {
    collect();
    std::uint64_t sent = 0;
    for (const auto& frames : sent_) sent += frames.size();
    std::uint64_t began = received_;
    std::uint64_t ended = sent + set_->parked();
    for (unsigned i = 0; i < set_->size(); ++i) {
      Ends& ends = const_cast<Ends&>(set_->worker(i).ends());
      ends.flush();
      began += ends.generated();
      for (const Fate fate : {Fate::dropped, Fate::consumed, Fate::punted}) ended += ends.count(fate);
    }
    EXPECT_EQ(began, ended);
    EXPECT_EQ(pool_.in_use() + made_.in_use(), set_->parked());
  }
  void finish() {
    stop();
    settle();
    for (unsigned i = 0; i < set_->size(); ++i) set_->worker(i).finish();
    expect_conserved();
    EXPECT_EQ(set_->parked(), 0u);
  }

  WorkerSet& set() { return *set_; }
  Tables& tables() { return *tables_; }

 private:
  static std::uint64_t clock_ns() {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(std::chrono::nanoseconds(now).count());
  }

  Pool pool_;
  Pool made_;
  std::vector<RingPort> ports_;
  config::Config config_;
  std::vector<wire::MacAddress> macs_;
  std::unique_ptr<Tables> tables_;
  Places places_;
  GoneWindows gone_windows_ = *GoneWindows::create();
  std::unique_ptr<WorkerSet> set_;
  std::vector<std::vector<Octets>> sent_;  // by port
  std::uint64_t received_ = 0;
  std::uint64_t now_ns_ = Gateway::kStart;
  std::atomic<bool> running_{false};
  std::vector<std::thread> threads_;
};

}  // namespace strata::test
