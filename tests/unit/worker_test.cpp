// A worker between its turns: what waits is asked for, given up and buried by the clock, and at the end all of it is
// accounted for.
#include <gtest/gtest.h>

#include "dataplane/worker.hpp"
#include "replay/capture.hpp"
#include "tests/unit/gateway.hpp"
#include "tests/unit/ipv4_fragments.hpp"

namespace strata {
namespace {

using test::counted;
using test::from_hex;
using test::Gateway;
using test::Octets;
using test::Outcome;

constexpr std::uint64_t kMillisecond = 1'000'000;
constexpr std::uint64_t kStart = Gateway::kStart;
constexpr std::size_t kLan = 0;
constexpr std::size_t kLan2 = 1;

// A station 10.1.0.5 on one link, strangers on the other.
constexpr const char* kTwoLinks = R"(
ports:
  lan: {device: a, mac: "02:00:00:00:01:01", addresses: [10.1.0.1/24], side: protected}
  lan2: {device: b, mac: "02:00:00:00:01:02", addresses: [10.2.0.1/24], side: protected}
neighbors:
  - {port: lan, address: 10.1.0.5, mac: "02:00:00:00:02:05"}
arp: {hold: 4, tries: 3, interval_ms: 100, reachable_s: 5}
reassembly: {packets: 16, timeout_ms: 100}
)";

// From 10.1.0.5, with `n` octets of payload.
Octets from_station(const char* to, std::size_t n, std::uint16_t fragment = 0) {
  return test::ethernet(
      "020000000101", 0x0800,
      test::ipv4({.source = "0a010005", .destination = to, .protocol = 253, .id = 9, .fragment = fragment},
                 counted(n)));
}

// 10.2.0.7 has 02:00:00:00:02:07.
const Octets kAnswer =
    from_hex("020000000102 020000000207 0806 0001 0800 06 04 0002 020000000207 0a020007 020000000102 0a020001");
const Octets kQuestion =
    from_hex("ffffffffffff 020000000102 0806 0001 0800 06 04 0001 020000000102 0a020001 000000000000 0a020007");

class Waiting : public testing::Test {
 protected:
  void turn(std::uint64_t after, std::size_t port, const std::vector<Octets>& frames) {
    gateway_.turn_at(kStart + after, port, frames);
    gateway_.expect_conserved();
  }
  std::vector<Octets> tick(std::uint64_t after, std::size_t port) {
    gateway_.tick(kStart + after);
    gateway_.expect_conserved();
    return gateway_.newly_sent(port);
  }

  Gateway gateway_{test::config_of(kTwoLinks)};
};

TEST_F(Waiting, WhoDoesNotAnswerIsAskedThreeTimesAndTheSenderIsTold) {
  EXPECT_EQ(gateway_.worker().next_due(), UINT64_MAX);
  turn(0, kLan, std::vector<Octets>(6, from_station("0a020007", 30)));
  EXPECT_EQ(gateway_.newly_sent(kLan2), (std::vector<Octets>{kQuestion}));
  EXPECT_EQ(gateway_.worker().parked(), 4u);
  EXPECT_EQ(gateway_.worker().next_due(), kStart + 100 * kMillisecond);
  EXPECT_TRUE(tick(100 * kMillisecond - 1, kLan2).empty());
  EXPECT_EQ(tick(100 * kMillisecond, kLan2), (std::vector<Octets>{kQuestion}));
  EXPECT_EQ(tick(200 * kMillisecond, kLan2), (std::vector<Octets>{kQuestion}));
  EXPECT_EQ(gateway_.worker().parked(), 4u);
  EXPECT_EQ(gateway_.worker().next_due(), kStart + 300 * kMillisecond);

  // Host unreachable, each with a packet as it came: its TTL still 64.
  const std::vector<Octets> told = tick(300 * kMillisecond, kLan);
  ASSERT_EQ(told.size(), 4u);
  const Octets packet = from_station("0a020007", 30);
  for (const Octets& error : told) {
    EXPECT_EQ(Octets(error.begin(), error.begin() + 14), from_hex("020000000205 020000000101 0800"));
    EXPECT_EQ(Octets(error.begin() + 34, error.begin() + 36), from_hex("0301"));
    EXPECT_TRUE(std::equal(error.begin() + 42, error.end(), packet.begin() + 14, packet.end()));
  }
  EXPECT_EQ(gateway_.worker().parked(), 0u);
  EXPECT_EQ(gateway_.worker().next_due(), UINT64_MAX);
  const Outcome outcome = gateway_.finish();
  EXPECT_EQ(outcome.count(Cause::adj_unresolved), 4u);
  EXPECT_EQ(outcome.count(Cause::adj_queue_full), 2u);
}

TEST_F(Waiting, WhatWaitedLeavesInOrderBeforeWhatComesLater) {
  std::vector<Octets> frames;
  for (std::size_t i = 1; i <= 4; ++i) frames.push_back(from_station("0a020007", 30 + i));
  turn(0, kLan, {frames[0], frames[1]});
  turn(1, kLan, {frames[2]});
  (void)gateway_.newly_sent(kLan2);
  turn(2, kLan2, {kAnswer});
  turn(3, kLan, {frames[3]});
  const std::vector<Octets> sent = gateway_.newly_sent(kLan2);
  ASSERT_EQ(sent.size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(sent[i].size(), frames[i].size());
    EXPECT_EQ(Octets(sent[i].begin(), sent[i].begin() + 14), from_hex("020000000207 020000000102 0800"));
    EXPECT_EQ(sent[i][14 + 8], 63) << "counted down once";
  }
  EXPECT_EQ(gateway_.worker().parked(), 0u);
  EXPECT_EQ(gateway_.finish().count(Cause::arp_reply), 1u);
}

TEST_F(Waiting, WhoAnsweredIsProbedByItsMacAddress) {
  turn(0, kLan, {from_station("0a020007", 30)});
  turn(1, kLan2, {kAnswer});
  (void)gateway_.newly_sent(kLan2);
  EXPECT_TRUE(tick(100 * kMillisecond, kLan2).empty()) << "it has answered";
  EXPECT_EQ(gateway_.worker().next_due(), kStart + 1 + 5000 * kMillisecond);
  EXPECT_TRUE(tick(5000 * kMillisecond, kLan2).empty());
  Octets probe = kQuestion;
  std::copy_n(from_hex("020000000207").begin(), 6, probe.begin());
  EXPECT_EQ(tick(5000 * kMillisecond + 1, kLan2), (std::vector<Octets>{probe}));
  turn(5010 * kMillisecond, kLan, {from_station("0a020007", 30)});
  EXPECT_EQ(gateway_.newly_sent(kLan2).size(), 1u) << "it is good until it does not answer";
  (void)gateway_.finish();
}

// Nobody is due to be asked, and still the clock runs for fragments: their buffers are free at once.
TEST_F(Waiting, FragmentsAreBuriedByTheClockAlone) {
  turn(0, kLan, {from_station("0a010001", 32, test::kMoreFragments)});
  EXPECT_EQ(gateway_.worker().parked(), 1u);
  (void)tick(100 * kMillisecond, kLan);
  EXPECT_EQ(gateway_.worker().parked(), 1u);
  (void)tick(100 * kMillisecond + 1, kLan);
  EXPECT_EQ(gateway_.worker().parked(), 0u);
  EXPECT_EQ(gateway_.finish().count(Cause::ip4_reassembly_timeout), 1u);
}

TEST_F(Waiting, AtTheEndAllThatWaitsIsNamed) {
  turn(0, kLan, std::vector<Octets>(3, from_station("0a020007", 30)));
  turn(1, kLan, std::vector<Octets>(2, from_station("0a020008", 30)));
  turn(2, kLan, {from_station("0a010001", 32, test::kMoreFragments)});
  EXPECT_EQ(gateway_.worker().parked(), 6u);
  const Outcome outcome = gateway_.finish();
  EXPECT_EQ(outcome.count(Cause::adj_unresolved), 5u);
  EXPECT_EQ(outcome.count(Cause::ip4_reassembly_timeout), 1u);
  EXPECT_EQ(outcome.sent[kLan2].size(), 2u);
  EXPECT_TRUE(outcome.sent[kLan].empty()) << "an end is no answer";
}

// More wait for one neighbor than a burst has places for what becomes of them.
TEST(WaitingMany, AFullQueueIsGivenUpWhole) {
  std::string text = kTwoLinks;
  text.replace(text.find("hold: 4"), 7, "hold: 64");
  text += "icmp: {burst: 1000}\n";
  for (const bool answered : {false, true}) {
    Gateway gateway(test::config_of(text), 1023);
    gateway.turn_at(kStart, kLan, std::vector<Octets>(64, from_station("0a020007", 30)));
    EXPECT_EQ(gateway.worker().parked(), 64u);
    if (answered) {
      gateway.turn_at(kStart + 1, kLan2, std::vector<Octets>{kAnswer});
    } else {
      for (std::uint64_t i = 1; i <= 3; ++i) gateway.tick(kStart + i * 100 * kMillisecond);
    }
    EXPECT_EQ(gateway.worker().parked(), 0u);
    const Outcome outcome = gateway.finish();
    EXPECT_EQ(outcome.sent[answered ? kLan2 : kLan].size(), answered ? 65u : 64u);
    EXPECT_EQ(outcome.count(Cause::adj_unresolved), answered ? 0u : 64u);
  }
}

// --- storms ----------------------------------------------------------------------------------------------------------

// The frames of a capture in any order, some of them damaged, while the clock jumps: after every step each packet has
// left, has an end, or waits.
class Storm : public testing::TestWithParam<const char*> {
 protected:
  static constexpr std::uint16_t kRoom = 65'407;  // the captures have frames of any size

  void SetUp() override {
    const std::string path = std::string(STRATA_SOURCE_ROOT "/tests/replay/captures/") + GetParam();
    auto config = config::parse_file(path + ".yaml");
    ASSERT_TRUE(config);
    config_ = std::move(*config);
    frames_.resize(config_.ports.size());
    for (std::size_t i = 0; i < config_.ports.size(); ++i) {
      auto reader = replay::CaptureReader::open(path + "." + config_.ports[i].name + ".pcap");
      if (!reader) continue;
      replay::CaptureReader::Packet packet;
      while (reader->next(packet) == replay::CaptureReader::Next::packet)
        frames_[i].emplace_back(packet.bytes.begin(), packet.bytes.end());
    }
  }

  Outcome run(std::uint64_t seed, std::optional<Poison> poison) {
    test::Random random(seed);
    Gateway gateway(config_, 511, kRoom);
    std::uint64_t now = kStart;
    for (std::uint64_t step = 0; step < test::rounds(1500); ++step) {
      now += test::pick(random, 4) == 0 ? test::pick(random, 3000) * kMillisecond : test::pick(random, kMillisecond);
      const std::size_t port = test::pick(random, frames_.size());
      if (frames_[port].empty() || test::pick(random, 3) == 0) {
        gateway.tick(now);
      } else {
        std::vector<Octets> burst;
        for (std::uint64_t n = 1 + test::pick(random, kBurstSize); n > 0; --n) {
          burst.push_back(frames_[port][test::pick(random, frames_[port].size())]);
          Octets& frame = burst.back();
          if (!frame.empty() && test::pick(random, 3) == 0)
            frame[test::pick(random, frame.size())] ^= static_cast<std::uint8_t>(1U << test::pick(random, 8));
        }
        gateway.turn(port, burst, poison, now);
      }
      gateway.expect_conserved();
      if (HasFailure()) break;
    }
    return gateway.finish();
  }

  config::Config config_;
  std::vector<std::vector<Octets>> frames_;
};
INSTANTIATE_TEST_SUITE_P(Captures, Storm, testing::Values("host", "kernel", "every-end"));

TEST_P(Storm, IsConservedAndTwins) {
  const Outcome outcome = run(1, Poison{0x00});
  SCOPED_TRACE("what a buffer held before shows in the outcome");
  expect_same(run(1, Poison{0xa5}), outcome);
  std::size_t sent = 0;
  for (const auto& port : outcome.sent) sent += port.size();
  EXPECT_GT(sent, 0u);
  EXPECT_GT(outcome.count(Cause::ip4_bad_checksum), 0u);
}

// With so few buffers that ARP requests, fragments and whole packets often find none.
TEST_P(Storm, IsConservedWhereBuffersAreFew) {
  Gateway gateway(config_, 127, kRoom);
  test::Random random(2);
  std::uint64_t now = kStart;
  for (std::uint64_t step = 0; step < test::rounds(1500); ++step) {
    now += test::pick(random, 100 * kMillisecond);
    const std::size_t port = test::pick(random, frames_.size());
    const std::size_t room = std::min<std::size_t>(kBurstSize, 127 - gateway.pool().in_use());
    std::vector<Octets> burst;
    for (std::size_t n = room == 0 || frames_[port].empty() ? 0 : 1 + test::pick(random, room); n > 0; --n)
      burst.push_back(frames_[port][test::pick(random, frames_[port].size())]);
    gateway.turn_at(now, port, burst);
    gateway.expect_conserved();
    gateway.tick(now);
    gateway.expect_conserved();
    if (HasFailure()) break;
  }
  (void)gateway.finish();
}

}  // namespace
}  // namespace strata
