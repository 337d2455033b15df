// Several workers: who goes on with a packet, that none is lost or overtaken on the way between them, and that an SA
// can change its worker while its packets come.
#include "dataplane/worker_set.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "control/rebalance.hpp"
#include "tests/unit/crew.hpp"
#include "tests/unit/ipv4_fragments.hpp"

namespace strata {
namespace {

using test::Crew;
using test::from_hex;
using test::Octets;

constexpr std::size_t kWan = 0;
constexpr std::size_t kLan = 1;
constexpr std::size_t kSas = 4;
constexpr unsigned kWindow = 64;

std::string hex_key(unsigned first) {
  std::string text;
  for (unsigned i = 0; i < 20; ++i) {
    char octet[3];
    std::snprintf(octet, sizeof octet, "%02x", (first + i) & 0xff);
    text += octet;
  }
  return text;
}

// kSas tunnels, in and out. A station 10.1.0.2 that is known, 10.1.0.7 that is not.
config::Config tunnels() {
  std::string text = R"(
ports:
  wan: {device: a, mac: "02:00:00:00:01:01", addresses: [192.0.2.1/24], side: unprotected}
  lan: {device: b, mac: "02:00:00:00:01:02", addresses: [10.1.0.1/24], side: protected}
neighbors:
  - {port: lan, address: 10.1.0.2, mac: "02:00:00:00:02:02"}
  - {port: wan, address: 192.0.2.2, mac: "02:00:00:00:02:01"}
arp: {hold: 64}
srv6:
  source: "fc00:1::1"
  local_sids:
    - {sid: "fc00:1::d4/128", behavior: End.DX4, next_hop: 10.1.0.2, port: lan}
    - {sid: "fc00:1::7/128", behavior: End.DX4, next_hop: 10.1.0.7, port: lan}
  policies:
)";
  for (std::size_t i = 0; i < kSas; ++i) {
    const std::string n = std::to_string(i);
    text += "    - {name: p" + n + ", prefixes: [10.2." + n + ".0/24], segments: [\"fc00:2:" + n + "::d4\"]}\n";
  }
  text += "ipsec:\n  security_associations:\n";
  for (std::size_t i = 0; i < kSas; ++i) {
    const std::string n = std::to_string(i);
    const std::string udp = "udp_encap: {source_port: 4500, destination_port: 4500}, algorithm: aes-128-gcm";
    text += "    - {name: in" + n + ", direction: in, spi: 0x100" + n +
            ", source: 192.0.2.2, destination: 192.0.2.1, " + udp +
            ", key: \"hex:" + hex_key(static_cast<unsigned>(i * 40)) + "\", replay_window: " + std::to_string(kWindow) +
            ", selectors: {source: \"fc00:2:" + n + "::/48\", destination: \"fc00:1::/48\"}}\n";
    text += "    - {name: out" + n + ", direction: out, spi: 0x200" + n +
            ", source: 192.0.2.1, destination: 192.0.2.2, " + udp +
            ", key: \"hex:" + hex_key(static_cast<unsigned>(i * 40 + 20)) +
            "\", selectors: {source: \"fc00:1::/48\", destination: \"fc00:2:" + n + "::/48\"}}\n";
  }
  return test::config_of(text);
}

constexpr const char* kKnown = "fc0000010000000000000000000000d4";
constexpr const char* kUnknown = "fc000001000000000000000000000007";

// An IPv4 packet that says which one of its flow it is.
Octets numbered(const char* from, const char* to, std::size_t sa, std::uint32_t number, std::uint8_t ttl = 64) {
  Octets payload(20);
  payload[8] = static_cast<std::uint8_t>(sa);
  for (int i = 0; i < 4; ++i) payload[9 + i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
  return test::ipv4({from, to, 253, 0, ttl, 1}, payload);
}
constexpr std::size_t kNumberAt = 14 + 20 + 8;

class Peer {
 public:
  Octets next(std::size_t sa, const char* sid = kKnown) {
    const auto number = ++numbers_[sa];
    const Octets inner = numbered("0a020005", "0a010005", sa, number);
    const std::string source = "fc000002000" + std::to_string(sa) + "00000000000000000001";
    const Octets text = test::with_trailer(test::ipv6(source.c_str(), sid, 4, inner), 41);
    const Octets esp = test::seal(aead_, keys_.at(sa), static_cast<std::uint32_t>(0x1000 + sa), number, false, text);
    return test::ethernet("020000000101", 0x0800, test::ipv4({"c0000202", "c0000201", 17}, test::udp(4500, 4500, esp)));
  }

 private:
  static AeadKey key(std::size_t sa) {
    return AeadKey(AeadAlgorithm::aes_128_gcm, from_hex(hex_key(static_cast<unsigned>(sa * 40)).c_str()));
  }
  Aead aead_ = *Aead::create();
  std::vector<AeadKey> keys_ = [] {
    std::vector<AeadKey> keys;
    for (std::size_t sa = 0; sa < kSas; ++sa) keys.push_back(key(sa));
    return keys;
  }();
  std::map<std::size_t, std::uint32_t> numbers_;
};

// Of the frames that came out of SAs: how many of each, and whether they are 1, 2, 3, ..
std::map<std::size_t, std::uint32_t> in_order(const std::vector<Octets>& frames) {
  std::map<std::size_t, std::uint32_t> last;
  for (const Octets& frame : frames) {
    if (frame.size() < kNumberAt + 5 || frame[23] != 253) continue;
    const std::size_t sa = frame[kNumberAt];
    const std::uint32_t number = wire::load_be32(&frame[kNumberAt + 1]);
    EXPECT_EQ(number, last[sa] + 1) << "of SA " << sa;
    last[sa] = number;
  }
  return last;
}

Octets to_tunnel(std::size_t sa, std::uint32_t number, std::uint8_t ttl = 64) {
  const std::string to = "0a020" + std::to_string(sa) + "05";
  return test::ethernet("020000000102", 0x0800, numbered("0a010002", to.c_str(), sa, number, ttl));
}

// SPI and sequence number of a frame that leaves the port wan.
std::pair<std::uint32_t, std::uint32_t> esp_of(const Octets& frame) {
  return {wire::load_be32(&frame[42]), wire::load_be32(&frame[46])};
}

TEST(WorkerSet, TheMostWorkersHaveTheirRings) {
  test::start_dataplane();
  const auto rings = HandoffRings::create(WorkerSet::kMost);
  ASSERT_TRUE(rings) << rings.error();
  EXPECT_EQ(rings->workers(), WorkerSet::kMost);
}

TEST(WorkerSet, DealsQueuesAndSasInTurns) {
  Crew crew(tunnels(), 2);
  ASSERT_EQ(crew.set().queues(0).size(), 1u);
  EXPECT_EQ(crew.set().queues(0)[0].port, PortId(kWan));
  EXPECT_EQ(crew.set().queues(1)[0].port, PortId(kLan));
  for (std::uint32_t i = 0; i < kSas; ++i) {
    EXPECT_EQ(crew.set().owner({SaRef::Direction::in, i}), WorkerId(i % 2));
    EXPECT_EQ(crew.set().owner({SaRef::Direction::out, i}), WorkerId(i % 2));
  }
}

TEST(WorkerSet, AnSaIsOpenedByItsOwner) {
  Peer peer;
  Crew crew(tunnels(), 2);
  for (std::size_t i = 0; i < 40; ++i) crew.feed(kWan, peer.next(i % kSas));
  crew.settle();
  EXPECT_EQ(crew.steps(0, Step::esp_open), 20u);
  EXPECT_EQ(crew.steps(1, Step::esp_open), 20u);
  EXPECT_EQ(crew.steps(1, Step::classify), 0u);
  EXPECT_EQ(in_order(crew.sent(kLan)), (std::map<std::size_t, std::uint32_t>{{0, 10}, {1, 10}, {2, 10}, {3, 10}}));
  // The port lan has one queue to send by.
  EXPECT_EQ(crew.steps(1, Step::spread_tx), 20u);
  crew.finish();
}

TEST(WorkerSet, AnSaIsSealedByItsOwner) {
  Crew crew(tunnels(), 3);
  for (std::uint32_t number = 1; number <= 12; ++number)
    for (std::size_t sa = 0; sa < kSas; ++sa) crew.feed(kLan, to_tunnel(sa, number));
  crew.settle();
  std::map<std::uint32_t, std::uint32_t> last;
  ASSERT_EQ(crew.sent(kWan).size(), 48u);
  for (const Octets& frame : crew.sent(kWan)) {
    const auto [spi, sequence] = esp_of(frame);
    EXPECT_EQ(sequence, ++last[spi]);
  }
  EXPECT_EQ(last.size(), kSas);
  // Dealt on from where the four inbound ones end: 1, 2, 0, 1.
  EXPECT_EQ(crew.steps(0, Step::spread_out) + crew.steps(1, Step::spread_out) + crew.steps(2, Step::spread_out), 48u);
  EXPECT_EQ(crew.steps(0, Step::esp_seal), 12u);
  EXPECT_EQ(crew.steps(1, Step::esp_seal), 24u);
  EXPECT_EQ(crew.steps(2, Step::esp_seal), 12u);
  crew.finish();
}

// A packet too large for its tunnel leaves in two, and what came behind it is sealed behind it: by the worker that
// received it, and by another one.
TEST(WorkerSet, WhatIsCutIsNotOvertaken) {
  const auto of_octets = [](std::size_t sa, std::size_t payload) {
    const std::string to = "0a020" + std::to_string(sa) + "05";
    return test::ethernet("020000000102", 0x0800, test::ipv4({"0a010002", to.c_str(), 253, 0, 64, 1}, Octets(payload)));
  };
  Crew crew(tunnels(), 2);
  for (const std::size_t sa : {0U, 1U}) {
    const std::size_t before = crew.sent(kWan).size();
    for (const std::size_t payload : {20U, 40U, 20U, 1460U, 40U, 1460U, 20U}) crew.feed(kLan, of_octets(sa, payload));
    crew.settle();
    const std::vector<Octets> sent(crew.sent(kWan).begin() + static_cast<std::ptrdiff_t>(before),
                                   crew.sent(kWan).end());
    ASSERT_EQ(sent.size(), 9u);
    for (std::uint32_t i = 0; i < sent.size(); ++i) EXPECT_EQ(esp_of(sent[i]).second, i + 1) << sa;
    const std::size_t small = sent[0].size();
    const std::size_t larger = sent[1].size();
    ASSERT_GT(larger, small);
    EXPECT_EQ(sent[2].size(), small);
    EXPECT_GT(sent[3].size(), std::size_t{1000}) << "the first part of the first that is cut";
    EXPECT_EQ(sent[5].size(), larger);
    EXPECT_GT(sent[6].size(), std::size_t{1000});
    EXPECT_EQ(sent[8].size(), small);
  }
  EXPECT_NE(crew.steps(0, Step::esp_seal), 0u);
  EXPECT_NE(crew.steps(1, Step::esp_seal), 0u);
  crew.finish();
}

TEST(WorkerSet, AFullRingIsCounted) {
  Peer peer;
  Crew crew(tunnels(), 2);
  constexpr unsigned kMore = 100;
  std::vector<Octets> frames;
  for (unsigned i = 0; i < HandoffRing::kRoom + kMore; ++i) frames.push_back(peer.next(1));
  for (const Octets& frame : frames) {
    if (crew.feed(kWan, frame)) continue;
    while (crew.round(0) != 0) {}
    ASSERT_TRUE(crew.feed(kWan, frame));
  }
  while (crew.round(0) != 0) {}
  EXPECT_EQ(crew.count(Cause::handoff_full), kMore);
  crew.expect_conserved();
  EXPECT_EQ(crew.set().parked(), HandoffRing::kRoom);
  crew.settle();
  EXPECT_EQ(in_order(crew.sent(kLan)), (std::map<std::size_t, std::uint32_t>{{1, HandoffRing::kRoom}}));
  crew.finish();
}

// --- what concerns the gateway itself: the host's worker alone, wherever it came in
// ------------------------------------

TEST(WorkerSet, ArpIsAnsweredByTheHostsWorker) {
  Crew crew(tunnels(), 2);
  crew.feed(kLan, from_hex("ffffffffffff 020000000209 0806 0001 0800 06 04 0001 020000000209 0a010009 000000000000 "
                           "0a010001"));
  crew.settle();
  ASSERT_EQ(crew.sent(kLan).size(), 1u);
  EXPECT_EQ(crew.sent(kLan)[0], from_hex("020000000209 020000000102 0806 0001 0800 06 04 0002 020000000102 0a010001 "
                                         "020000000209 0a010009"));
  EXPECT_EQ(crew.steps(1, Step::classify), 1u);
  EXPECT_EQ(crew.steps(0, Step::arp_input), 1u);
  crew.finish();
}

TEST(WorkerSet, IcmpIsAnsweredByTheHostsWorker) {
  Crew crew(tunnels(), 2);
  const Octets echo = from_hex("0800 f7fd 0001 0001");
  crew.feed(kLan, test::ethernet("020000000102", 0x0800, test::ipv4({"0a010002", "0a010001", 1}, echo)));
  crew.feed(kLan, to_tunnel(0, 1, 1));
  crew.settle();
  ASSERT_EQ(crew.sent(kLan).size(), 2u);
  EXPECT_EQ(crew.sent(kLan)[0][34], 0) << "echo reply";
  EXPECT_EQ(crew.sent(kLan)[1][34], 11) << "time exceeded";
  EXPECT_EQ(crew.steps(0, Step::local_deliver), 1u);
  EXPECT_EQ(crew.steps(0, Step::icmp_error), 1u);
  EXPECT_EQ(crew.steps(1, Step::local_deliver) + crew.steps(1, Step::icmp_error), 0u);
  EXPECT_EQ(crew.count(Cause::ip4_ttl_exceeded), 1u);
  crew.finish();
}

TEST(WorkerSet, FragmentsAreJoinedByTheHostsWorkerAndOpenedByTheOwner) {
  // Three workers: what comes in at lan is the second one's, and the SA is the third one's.
  config::Config config = tunnels();
  std::swap(config.ports[kWan], config.ports[kLan]);
  Peer peer;
  Crew crew(std::move(config), 3);
  const Octets frame = peer.next(2);
  const Octets udp(frame.begin() + 34, frame.end());
  for (const Octets& part : test::cut_at({"c0000202", "c0000201", 17}, udp, {0, 56, udp.size()}))
    crew.feed(1, test::ethernet("020000000101", 0x0800, part));
  crew.settle();
  EXPECT_EQ(in_order(crew.sent(0)), (std::map<std::size_t, std::uint32_t>{{2, 1}}));
  EXPECT_GE(crew.steps(0, Step::reassemble), 2u);
  EXPECT_EQ(crew.steps(1, Step::reassemble), 0u);
  EXPECT_EQ(crew.steps(2, Step::esp_open), 1u);
  crew.finish();
}

// --- a neighbor that is not known yet
// ----------------------------------------------------------------------------------

const Octets kAnswer =
    from_hex("020000000102 020000000207 0806 0001 0800 06 04 0002 020000000207 0a010007 020000000102 0a010001");

TEST(WorkerSet, WhoWaitsForANeighborWaitsAtTheHostsWorker) {
  Peer peer;
  Crew crew(tunnels(), 2);
  for (int i = 0; i < 3; ++i) crew.feed(kWan, peer.next(1, kUnknown));
  crew.settle();
  EXPECT_EQ(crew.set().parked(), 3u);
  ASSERT_EQ(crew.sent(kLan).size(), 1u);
  EXPECT_EQ(crew.sent(kLan)[0][13], 0x06) << "asked once";
  crew.feed(kLan, kAnswer);
  crew.settle();
  EXPECT_EQ(in_order(crew.sent(kLan))[1], 3u);
  // From now on their worker sends them by itself.
  const std::uint64_t resumed = crew.steps(0, Step::resume);
  for (int i = 0; i < 3; ++i) crew.feed(kWan, peer.next(1, kUnknown));
  crew.settle();
  EXPECT_EQ(in_order(crew.sent(kLan))[1], 6u);
  EXPECT_EQ(crew.steps(0, Step::resume), resumed);
  EXPECT_EQ(crew.steps(1, Step::to_host), 3u + 1u) << "the ARP reply too";
  crew.finish();
}

// Whatever of a flow still waits or is on its way to the host's worker is not overtaken by what comes after the answer.
TEST(WorkerSet, TheAnswerOvertakesNothing) {
  constexpr int kTimes = 40;
  for (int time = 0; time < kTimes; ++time) {
    Peer peer;
    Crew crew(tunnels(), 2);
    crew.start();
    std::uint32_t fed = 0;
    while (fed < 400) {
      if (fed == 20 + static_cast<std::uint32_t>(time)) {
        ASSERT_TRUE(crew.feed(kLan, kAnswer));
      }
      const Octets frame = peer.next(1, kUnknown);
      while (!crew.feed(kWan, frame)) std::this_thread::yield();
      ++fed;
      crew.collect();
    }
    crew.stop();
    crew.settle();
    // More may have come than can wait; these were dropped, the others are in order.
    std::uint32_t last = 0;
    std::uint32_t sent = 0;
    for (const Octets& frame : crew.sent(kLan)) {
      if (frame[23] != 253 || frame[13] != 0) continue;
      const std::uint32_t number = wire::load_be32(&frame[kNumberAt + 1]);
      ASSERT_GT(number, last);
      last = number;
      ++sent;
    }
    EXPECT_EQ(sent + crew.count(Cause::adj_queue_full), fed);
    crew.finish();
    if (testing::Test::HasFailure()) return;
  }
}

// --- an SA moves
// -------------------------------------------------------------------------------------------------------

TEST(WorkerSet, AnSaMovesWhileItsPacketsCome) {
  constexpr std::uint32_t kPackets = 3000;
  Peer peer;
  std::vector<Octets> frames;
  for (std::uint32_t i = 0; i < kPackets; ++i)
    for (std::size_t sa = 0; sa < kSas; ++sa) frames.push_back(peer.next(sa));
  Crew crew(tunnels(), 3);
  crew.start();
  std::atomic<bool> feeding{true};
  std::atomic<unsigned> moves{0};
  std::thread mover([&] {
    // Each of them round and round, alone and in company.
    for (std::uint8_t turn = 0; feeding.load(); ++turn) {
      const std::vector<SaRef> sas{{SaRef::Direction::in, turn % std::uint32_t{kSas}},
                                   {SaRef::Direction::in, 1},
                                   {SaRef::Direction::out, turn % std::uint32_t{kSas}}};
      crew.set().move(sas, WorkerId(static_cast<std::uint8_t>(turn / 2 % 3)));
      ++moves;
    }
  });
  // As much at once as finds room in any ring.
  const auto feed = [&](std::size_t port, const Octets& frame) {
    while (crew.on_their_way() > 500 || !crew.feed(port, frame)) {
      crew.collect();
      std::this_thread::yield();
    }
  };
  for (std::size_t i = 0; i < frames.size(); ++i) {
    feed(kWan, frames[i]);
    feed(kLan, to_tunnel(i % kSas, static_cast<std::uint32_t>(i / kSas + 1)));
  }
  while (moves < 20) std::this_thread::yield();
  feeding = false;
  mover.join();
  crew.finish();
  EXPECT_EQ(crew.count(Cause::handoff_full) + crew.count(Cause::tx_full), 0u);
  EXPECT_EQ(crew.count(Cause::esp_replayed) + crew.count(Cause::esp_replay_too_old), 0u);
  for (const auto& [sa, last] : in_order(crew.sent(kLan))) EXPECT_EQ(last, kPackets) << "of SA " << sa;
  std::map<std::uint32_t, std::uint32_t> sealed;
  for (const Octets& frame : crew.sent(kWan)) {
    const auto [spi, sequence] = esp_of(frame);
    ASSERT_EQ(sequence, ++sealed[spi]);
  }
  for (const auto& [spi, last] : sealed) EXPECT_EQ(last, kPackets) << "of SPI " << spi;
  for (const InboundSa& sa : crew.tables().sas) EXPECT_EQ(sa.packets, kPackets);
}

// What the last owner has passed on, here to the one that sends, is not overtaken by what the next owner passes on.
TEST(WorkerSet, WhatTheLastOwnerPassedOnIsNotOvertaken) {
  constexpr std::uint32_t kBefore = 1500;
  Peer peer;
  Crew crew(tunnels(), 3);
  const std::vector<SaRef> sa{{SaRef::Direction::in, 1}};
  for (std::uint32_t i = 0; i < kBefore; ++i) ASSERT_TRUE(crew.feed(kWan, peer.next(1)));
  while (crew.round(0) != 0) {}
  while (crew.round(1) != 0) {}
  ASSERT_EQ(crew.steps(1, Step::esp_open), kBefore);
  std::atomic<bool> moved{false};
  std::thread mover([&] {
    crew.set().move(sa, WorkerId(2));
    moved = true;
  });
  while (!moved) {
    for (const unsigned i : {1u, 2u, 0u}) crew.round(i);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  mover.join();
  ASSERT_TRUE(crew.feed(kWan, peer.next(1)));
  for (const unsigned i : {0u, 2u}) crew.round(i);
  EXPECT_EQ(crew.steps(2, Step::esp_open), 1u);
  crew.settle();
  EXPECT_EQ(in_order(crew.sent(kLan)), (std::map<std::size_t, std::uint32_t>{{1, kBefore + 1}}));
  crew.finish();
}

TEST(WorkerSet, TheRebalancerMovesHalfOfTheLoad) {
  constexpr std::uint32_t kPackets = 100;
  Peer peer;
  Crew crew(tunnels(), 2);
  crew.start();
  const auto feed = [&] {
    for (std::uint32_t i = 0; i < kPackets; ++i)
      for (const std::size_t sa : {0, 2}) ASSERT_TRUE(crew.feed(kWan, peer.next(sa)));
    while (crew.on_their_way() != 0) crew.collect();
  };
  Rebalancer rebalancer(crew.tables(), crew.set());
  feed();
  EXPECT_EQ(rebalancer.look({1.0, 0.0}), 0u) << "nothing to compare with";
  feed();
  EXPECT_EQ(rebalancer.look({1.0, 0.0}), 1u);
  EXPECT_EQ(crew.set().owner({SaRef::Direction::in, 0}), WorkerId(1));
  EXPECT_EQ(crew.set().owner({SaRef::Direction::in, 2}), WorkerId(0));
  feed();
  EXPECT_EQ(rebalancer.look({0.5, 0.5}), 0u);
  crew.finish();
  EXPECT_EQ(in_order(crew.sent(kLan)), (std::map<std::size_t, std::uint32_t>{{0, 3 * kPackets}, {2, 3 * kPackets}}));
  EXPECT_GE(crew.steps(1, Step::esp_open), kPackets);
}

// A change that is refused in its middle has put SAs into the table that none is in force of.
TEST(WorkerSet, TheRebalancerComparesAnewWhereThereAreMoreSas) {
  Crew crew(tunnels(), 2);
  Rebalancer rebalancer(crew.tables(), crew.set());
  EXPECT_EQ(rebalancer.look({1.0, 0.0}), 0u);
  SaTable& sas = crew.tables().sas;
  ASSERT_FALSE(sas.is_full());
  while (!sas.is_full())
    sas.push_back(InboundSa{.key = AeadKey::blank(),
                            .esn = false,
                            .protocol = kAnyProtocol,
                            .window = ReplayWindow(0),
                            .packets = 1'000'000,
                            .selectors = {},
                            .spi = 0,
                            .destination = {}});
  EXPECT_EQ(rebalancer.look({1.0, 0.0}), 0u) << "what they carried before says nothing";
  crew.finish();
}

// One worker alone has no rings: what it does is what a Worker does.
TEST(WorkerSet, OneAloneHandsNothingOver) {
  Peer peer;
  Crew crew(tunnels(), 1);
  for (std::size_t i = 0; i < 40; ++i) crew.feed(kWan, peer.next(i % kSas));
  crew.settle();
  EXPECT_EQ(in_order(crew.sent(kLan)).size(), kSas);
  EXPECT_EQ(crew.steps(0, Step::spread_in) + crew.steps(0, Step::pick_up), 0u);
  const std::vector<SaRef> sas{{SaRef::Direction::in, 0}};
  crew.set().move(sas, WorkerId(0));
  EXPECT_EQ(crew.set().owner(sas[0]), WorkerId(0));
  crew.finish();
}

// --- a worker that stands still
// ---------------------------------------------------------------------------------------

// The second of two workers makes no round, and is waited for until that was asked a hundred times.
void give_up(Crew& crew, const std::function<bool(const WorkerSet::Patience&)>& wait) {
  std::atomic<bool> given_up{false};
  std::thread first([&] {
    while (!given_up) crew.round(0);
  });
  unsigned asked = 0;
  EXPECT_FALSE(wait([&](unsigned worker) { return worker == 0 || ++asked < 100; }));
  EXPECT_EQ(asked, 100u);
  given_up = true;
  first.join();
}

// Who waits for it is asked how long, and hears which one it is.
TEST(WorkerSet, WhoStandsStillIsWaitedForAsLongAsSomebodyWants) {
  Peer peer;
  Crew crew(tunnels(), 2);
  ASSERT_TRUE(crew.feed(kWan, peer.next(1)));
  const std::vector<SaRef> sas{{SaRef::Direction::in, 0}};
  give_up(crew, [&](const auto& patience) { return crew.set().move(sas, WorkerId(1), patience); });
  crew.settle();
  EXPECT_EQ(in_order(crew.sent(kLan)), (std::map<std::size_t, std::uint32_t>{{1, 1}}));
}

// A gateway's end: what stood between two workers leaves all the same.
TEST(WorkerSet, AMoveThatWasGivenUpIsSettledAtTheEnd) {
  Peer peer;
  Crew crew(tunnels(), 2);
  const std::vector<SaRef> sas{{SaRef::Direction::in, 0}, {SaRef::Direction::out, 0}};
  give_up(crew, [&](const auto& patience) { return crew.set().move(sas, WorkerId(1), patience); });
  ASSERT_TRUE(crew.feed(kWan, peer.next(0)));
  crew.settle();
  EXPECT_EQ(in_order(crew.sent(kLan)), (std::map<std::size_t, std::uint32_t>{}));
  EXPECT_EQ(crew.set().parked(), 1U);
  crew.set().give_all_to_owners();
  crew.settle();
  EXPECT_EQ(in_order(crew.sent(kLan)), (std::map<std::size_t, std::uint32_t>{{0, 1}}));
  EXPECT_EQ(crew.set().parked(), 0U);
  crew.finish();
}

// What its last holder was sent before is the holder's still: it goes first, and then what stands behind it.
TEST(WorkerSet, AMoveThatWasGivenUpLeavesItsLastHolderWhatItWasSent) {
  Peer peer;
  Crew crew(tunnels(), 2);
  const SaRef sa{SaRef::Direction::in, 1};
  ASSERT_EQ(crew.set().owner(sa), WorkerId(1));
  ASSERT_TRUE(crew.feed(kWan, peer.next(1)));
  crew.round(0);  // hands it to worker 1
  give_up(crew, [&](const auto& patience) { return crew.set().move(std::vector{sa}, WorkerId(0), patience); });
  ASSERT_TRUE(crew.feed(kWan, peer.next(1)));
  crew.settle();
  crew.set().give_all_to_owners();
  crew.settle();
  EXPECT_EQ(in_order(crew.sent(kLan)), (std::map<std::size_t, std::uint32_t>{{1, 2}}));
  crew.finish();
}

// The next owner is too early for an SA: its packets stand in line, and so does all behind them that it would seal.
TEST(WorkerSet, WhatIsToBeSealedStandsInLineForAnSaThatIsStillAnothers) {
  Crew crew(tunnels(), 2);
  const SaRef moved{SaRef::Direction::out, 0};
  ASSERT_EQ(crew.set().owner(moved), WorkerId(0));
  ASSERT_EQ(crew.set().owner({SaRef::Direction::out, 1}), WorkerId(1)) << "as the queue of lan";
  give_up(crew, [&](const auto& patience) { return crew.set().move(std::vector{moved}, WorkerId(1), patience); });
  ASSERT_TRUE(crew.feed(kLan, to_tunnel(0, 1)));
  ASSERT_TRUE(crew.feed(kLan, to_tunnel(1, 1)));
  ASSERT_TRUE(crew.feed(kLan, to_tunnel(1, 2)));
  crew.settle();
  EXPECT_EQ(crew.sent(kWan).size(), 0u);
  ASSERT_TRUE(crew.feed(kLan, to_tunnel(1, 3)));
  ASSERT_TRUE(crew.feed(kLan, to_tunnel(0, 2)));
  crew.settle();
  EXPECT_EQ(crew.sent(kWan).size(), 0u);
  EXPECT_EQ(crew.set().parked(), 5u);
  crew.set().give_all_to_owners();
  crew.settle();
  std::map<std::uint32_t, std::uint32_t> last;
  for (const Octets& frame : crew.sent(kWan)) EXPECT_EQ(esp_of(frame).second, ++last[esp_of(frame).first]);
  EXPECT_EQ(crew.sent(kWan).size(), 5u);
  crew.finish();
}

// The last owner still holds an SA, and seals nothing more that comes to itself.
TEST(WorkerSet, WhatIsToBeSealedGoesToTheNextOwnerThoughItHasNotGotTheSa) {
  Crew crew(tunnels(), 2);
  const SaRef moved{SaRef::Direction::out, 1};
  give_up(crew, [&](const auto& patience) { return crew.set().move(std::vector{moved}, WorkerId(0), patience); });
  for (std::uint32_t number = 1; number <= 3; ++number) {
    ASSERT_TRUE(crew.feed(kLan, to_tunnel(1, number)));
  }
  crew.settle();
  EXPECT_EQ(crew.sent(kWan).size(), 0u);
  EXPECT_EQ(crew.set().parked(), 3u);
  crew.set().give_all_to_owners();
  crew.settle();
  EXPECT_EQ(crew.sent(kWan).size(), 3u);
  EXPECT_EQ(crew.steps(0, Step::esp_seal), 3u);
  crew.finish();
}

// Who comes late takes the change over all the same, though nobody waits any more.
TEST(WorkerSet, AChangeThatNobodyWaitsForIsThereForWhoComesLate) {
  Peer peer;
  Crew crew(tunnels(), 2);
  TablesChange change{.tables = &crew.tables(), .path_mtus = nullptr, .adjacencies = {}, .inbound = {}, .outbound = {}};
  give_up(crew, [&](const auto& patience) {
    return crew.set().replace(std::move(change), std::make_unique<PathMtus>(crew.tables()), patience);
  });
  for (std::size_t i = 0; i < 40; ++i) ASSERT_TRUE(crew.feed(kWan, peer.next(i % kSas)));
  crew.settle();
  EXPECT_EQ(in_order(crew.sent(kLan)), (std::map<std::size_t, std::uint32_t>{{0, 10}, {1, 10}, {2, 10}, {3, 10}}));
  crew.finish();
}

}  // namespace
}  // namespace strata
