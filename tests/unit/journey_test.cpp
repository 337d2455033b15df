// The whole journey, driven from C++: the poison twin, conservation, and that the graph is what the causes say.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "dataplane/graph.hpp"
#include "replay/capture.hpp"
#include "tests/unit/frames.hpp"
#include "tests/unit/gateway.hpp"
#include "tests/unit/mbuf_probe.hpp"

namespace strata {
namespace {

using test::expect_same;
using test::Gateway;
using test::Octets;
using test::Outcome;
using test::pick;
using test::Random;
using test::random_octets;
using test::rounds;

struct Arrives {
  std::size_t port;
  Octets frame;
};

// What the gateway is as a host has tests of its own.
config::Config router_alone(config::Config config) {
  config.arp.enabled = false;
  config.icmp = {.errors_per_second = 0, .echo = false};
  config.reassembly.enabled = false;
  return config;
}

Outcome run(const config::Config& config, const std::vector<Arrives>& arrivals, std::size_t burst,
            std::optional<Poison> poison) {
  Gateway gateway(config);
  for (std::size_t i = 0; i < arrivals.size();) {
    std::vector<Octets> frames;
    const std::size_t port = arrivals[i].port;
    for (; i < arrivals.size() && frames.size() < burst && arrivals[i].port == port; ++i)
      frames.push_back(arrivals[i].frame);
    gateway.turn(port, frames, poison);
    gateway.collect();
  }
  return gateway.finish();
}

constexpr Poison kZero{0x00};
constexpr Poison kA5{0xa5};

// The poison twin.
Outcome run_twins(const config::Config& config, const std::vector<Arrives>& arrivals, std::size_t burst) {
  Outcome outcome = run(config, arrivals, burst, kZero);
  SCOPED_TRACE("what a buffer held before shows in the outcome");
  expect_same(outcome, run(config, arrivals, burst, kA5));
  return outcome;
}

// --- captures --------------------------------------------------------------------------------------------------------

const std::string kCaptures = STRATA_SOURCE_ROOT "/tests/replay/captures/";

config::Config config_of_capture(const std::string& capture) {
  auto config = config::parse_file(kCaptures + capture + ".yaml");
  EXPECT_TRUE(config);
  return router_alone(std::move(*config));
}

std::vector<Arrives> arrivals_of(const std::string& capture, const config::Config& config) {
  std::vector<Arrives> arrivals;
  for (std::size_t i = 0; i < config.ports.size(); ++i) {
    auto reader = replay::CaptureReader::open(kCaptures + capture + "." + config.ports[i].name + ".pcap");
    if (!reader) continue;
    replay::CaptureReader::Packet packet;
    while (reader->next(packet) == replay::CaptureReader::Next::packet)
      arrivals.push_back({i, {packet.bytes.begin(), packet.bytes.end()}});
  }
  return arrivals;
}

class Captures : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(CheckedIn, Captures, testing::Values("good", "esn", "every-end"));

TEST_P(Captures, PoisonAndBurstsChangeNothing) {
  const config::Config config = config_of_capture(GetParam());
  const std::vector<Arrives> arrivals = arrivals_of(GetParam(), config);
  ASSERT_GT(arrivals.size(), 10u);
  const Outcome alone = run(config, arrivals, 1, std::nullopt);
  EXPECT_GT(alone.sent[1].size(), 1u);
  for (const std::size_t burst : {1, 8, 32, 64}) {
    SCOPED_TRACE(burst);
    expect_same(run_twins(config, arrivals, burst), alone);
  }
}

// One octet, one bit, a length: what a line or a liar does to a frame.
void damage(Random& random, Octets& frame) {
  for (std::uint64_t n = 1 + pick(random, 3); n > 0 && !frame.empty(); --n) {
    const std::size_t at = pick(random, pick(random, 2) == 0 ? frame.size() : std::min<std::size_t>(frame.size(), 64));
    switch (pick(random, 8)) {
      case 0: frame.resize(at); break;
      case 1: frame.resize(std::min<std::size_t>(frame.size() + pick(random, 40), 2000), 0x77); break;
      case 2: frame[at] = static_cast<std::uint8_t>(random()); break;
      case 3: frame[at] = 0xff; break;
      case 4: frame[at] = 0; break;
      default: frame[at] ^= static_cast<std::uint8_t>(1U << pick(random, 8)); break;
    }
  }
}

TEST_P(Captures, DamagedFramesAreConservedAndTwins) {
  const config::Config config = config_of_capture(GetParam());
  const std::vector<Arrives> whole = arrivals_of(GetParam(), config);
  Random random(whole.size());
  std::vector<Arrives> arrivals;
  for (std::uint64_t i = 0; i < rounds(30'000); ++i) {
    arrivals.push_back(whole[pick(random, whole.size())]);
    damage(random, arrivals.back().frame);
  }
  const Outcome outcome = run_twins(config, arrivals, 64);
  EXPECT_GT(outcome.count(Cause::eth_truncated), 0u);
  EXPECT_GT(outcome.count(Cause::ip4_bad_checksum), 0u);
}

// --- a tunnel of our own ---------------------------------------------------------------------------------------------

constexpr std::string_view kTunnel = R"(
ports:
  wan: {device: net_null0, mac: "02:00:00:00:01:01", addresses: [192.0.2.1/24], side: unprotected}
  lan: {device: net_null1, mac: "02:00:00:00:01:02", addresses: [10.1.0.1/24, "fc00:1::1/64"], side: protected}
neighbors:
  - {port: lan, address: 10.1.0.2, mac: "02:00:00:00:02:02"}
ipsec:
  security_associations:
    - name: from-b
      direction: in
      spi: 0x1001
      source: 192.0.2.2
      destination: 192.0.2.1
      udp_encap: {source_port: 4500, destination_port: 4500}
      algorithm: aes-128-gcm
      key: "hex:0102030405060708090a0b0c0d0e0f1011121314"
      selectors: {source: "fc00:2::/48", destination: "fc00:1::/48"}
srv6:
  source: "fc00:1::1"
  local_sids:
    - {sid: "fc00:1::d4/128", behavior: End.DX4, next_hop: 10.1.0.2, port: lan}
    - {sid: "fc00:1:0:64::/64", behavior: End.DX4, next_hop: 10.1.0.2, port: lan, clear: true}
)";

constexpr const char* kWanMac = "020000000101";
constexpr const char* kPeer = "fc000002000000000000000000000001";
constexpr const char* kSid = "fc0000010000000000000000000000d4";
constexpr const char* kClearSid = "fc000001000000640001000200030004";

config::Config tunnel_config() { return router_alone(test::config_of(std::string(kTunnel))); }

// Seals packets as the peer of from-b would.
class Peer {
 public:
  Octets seal(const Octets& text) { return test::seal(aead_, key_, 0x1001, ++sequence_, false, text); }
  // In a frame for the port wan.
  Octets frame(const Octets& ip6, std::size_t tfc = 0) {
    return test::ethernet(
        kWanMac, 0x0800,
        test::ipv4({"c0000202", "c0000201", 17}, test::udp(4500, 4500, seal(test::with_trailer(ip6, 41, tfc)))));
  }

 private:
  Aead aead_ = *Aead::create();
  AeadKey key_{AeadAlgorithm::aes_128_gcm, test::from_hex("0102030405060708090a0b0c0d0e0f1011121314")};
  std::uint64_t sequence_ = 0;
};

Octets inner_ipv4(std::size_t payload, std::uint8_t ttl = 64) {
  return test::ipv4({"0a020005", "0a010005", 17, 0, ttl, 0x1234}, test::counted(payload));
}

TEST(Journey, OpensTheTunnel) {
  Peer peer;
  const Octets frame = peer.frame(test::ipv6(kPeer, kSid, 4, inner_ipv4(30)));
  const Outcome outcome = run_twins(tunnel_config(), {{0, frame}, {0, frame}}, 64);
  ASSERT_EQ(outcome.sent[1].size(), 1u);
  Octets expected = test::ethernet("020000000202", 0x0800, inner_ipv4(30, 63));
  std::copy_n(test::from_hex("020000000102").begin(), 6, expected.begin() + 6);
  EXPECT_EQ(outcome.sent[1][0], expected);
  EXPECT_EQ(outcome.count(Cause::esp_replayed), 1u);
  EXPECT_EQ(outcome.sas[0], (std::array<std::uint64_t, 2>{1, 90}));
  EXPECT_EQ(outcome.sids[0], (std::array<std::uint64_t, 2>{1, 90}));
  EXPECT_EQ(outcome.audit, (std::vector<std::pair<Cause, std::optional<std::uint32_t>>>{{Cause::esp_replayed, 1}}));
}

// Hop-by-Hop or Destination Options of one or two words, an SRH at its end: any that End.DX4 takes off.
Octets random_extensions(Random& random, std::uint8_t& first, const Octets& payload) {
  Octets all = payload;
  std::uint8_t next = 4;
  const auto put = [&](std::uint8_t type, Octets header) {
    header[0] = next;
    header[1] = static_cast<std::uint8_t>(header.size() / 8 - 1);
    all = test::join(header, all);
    next = type;
  };
  for (std::uint64_t n = pick(random, 3); n > 0; --n) put(60, test::from_hex("0000 0104 00000000"));
  if (pick(random, 2) == 0) {
    const std::uint8_t last = static_cast<std::uint8_t>(pick(random, 3));
    Octets srh = test::join(test::from_hex("0000 0400 00000000"), random_octets(random, 16 * (last + 1U)));
    srh[4] = last;
    put(43, srh);
  }
  if (pick(random, 3) == 0) put(0, test::from_hex("0000 010c 000000000000000000000000"));
  first = next;
  return all;
}

TEST(Journey, Duty59_WhatLeavesIsAFunctionOfTheInnerPacketAlone) {
  Random random(59);
  const config::Config config = tunnel_config();
  for (const std::size_t payload : {0, 1, 26, 500}) {
    Peer peer;
    std::vector<Arrives> arrivals;
    for (std::uint64_t i = 0; i < rounds(500); ++i) {
      std::uint8_t first = 4;
      const Octets extended = random_extensions(random, first, inner_ipv4(payload));
      const auto flow = static_cast<std::uint32_t>(0x60000000 | pick(random, 1 << 20) | (pick(random, 64) << 22));
      const bool clear = pick(random, 3) == 0;
      const Octets ip6 = test::ipv6(clear ? "20010db8000000000000000000000009" : kPeer, clear ? kClearSid : kSid, first,
                                    extended, flow, static_cast<std::uint8_t>(pick(random, 256)));
      if (clear) {
        arrivals.push_back({pick(random, 2), {}});
        const char* mac = arrivals.back().port == 0 ? kWanMac : "020000000102";
        arrivals.back().frame = test::ethernet(mac, 0x86dd, test::join(ip6, Octets(pick(random, 20), 0x99)));
        continue;
      }
      const Octets esp = peer.seal(test::with_trailer(ip6, 41, pick(random, 50), pick(random, 5)));
      const Octets udp =
          test::udp(static_cast<std::uint16_t>(random()), 4500, esp, static_cast<std::uint16_t>(random()));
      arrivals.push_back({0, test::ethernet(kWanMac, 0x0800,
                                            test::ipv4({pick(random, 2) == 0 ? "c0000202" : "c6336401", "c0000201", 17,
                                                        static_cast<std::uint8_t>(pick(random, 64) << 2),
                                                        static_cast<std::uint8_t>(pick(random, 256)),
                                                        static_cast<std::uint16_t>(random())},
                                                       udp))});
    }
    const Outcome outcome = run_twins(config, arrivals, 64);
    ASSERT_EQ(outcome.sent[1].size(), arrivals.size());
    for (const Octets& sent : outcome.sent[1]) ASSERT_EQ(sent, outcome.sent[1].front());
  }
}

// Damage behind the ICV: nothing but the peer's key keeps it out.
TEST(Journey, DamagedPacketsInTheTunnelAreConservedAndTwins) {
  Random random(13);
  Peer peer;
  std::vector<Arrives> arrivals;
  for (std::uint64_t i = 0; i < rounds(30'000); ++i) {
    std::uint8_t first = 4;
    const Octets extended = random_extensions(random, first, inner_ipv4(pick(random, 80)));
    Octets ip6 = test::ipv6(kPeer, kSid, first, extended);
    damage(random, ip6);
    arrivals.push_back({0, peer.frame(ip6, pick(random, 20))});
  }
  const Outcome outcome = run_twins(tunnel_config(), arrivals, 64);
  EXPECT_GT(outcome.sent[1].size(), 0u);
  for (const Cause cause : {Cause::esp_inner_truncated, Cause::sr6_bad_srh, Cause::sr6_upper_layer, Cause::sr6_no_sid,
                            Cause::sr6_segments_left, Cause::policy_selector_mismatch, Cause::ip4_bad_checksum})
    EXPECT_GT(outcome.count(cause), 0u) << text_of(cause).name;
  EXPECT_EQ(outcome.count(Cause::esp_auth_failed), 0u);
}

// Packets of one burst that take the long way and the short one leave in the order they came.
TEST(Journey, OrderIsKeptWhereWaysMeet) {
  Peer peer;
  std::vector<Arrives> arrivals;
  Random random(4);
  for (std::size_t i = 0; i < 640; ++i) {
    const bool clear = pick(random, 2) == 0;
    const Octets ip6 = test::ipv6(kPeer, clear ? kClearSid : kSid, 4, inner_ipv4(2 + i));
    arrivals.push_back({0, clear ? test::ethernet(kWanMac, 0x86dd, ip6) : peer.frame(ip6)});
  }
  const Outcome outcome = run(tunnel_config(), arrivals, 64, std::nullopt);
  ASSERT_EQ(outcome.sent[1].size(), arrivals.size());
  for (std::size_t i = 0; i < arrivals.size(); ++i) EXPECT_EQ(outcome.sent[1][i].size(), 14 + 20 + 2 + i);
}

TEST(Journey, AFullTransmitQueueIsCountedAndLosesNothing) {
  constexpr std::size_t kBursts = 80;
  Gateway gateway(tunnel_config(), 8191);
  const Octets frame = test::ethernet(kWanMac, 0x86dd, test::ipv6(kPeer, kClearSid, 4, inner_ipv4(10)));
  for (std::size_t i = 0; i < kBursts; ++i) gateway.turn(0, std::vector<Octets>(kBurstSize, frame));
  const unsigned waiting = gateway.pool().in_use();
  const Outcome outcome = gateway.finish();
  EXPECT_EQ(outcome.sent[1].size(), waiting);
  EXPECT_GE(waiting, 4000u);
  EXPECT_EQ(outcome.count(Cause::tx_full), kBursts * kBurstSize - waiting);
  EXPECT_GT(outcome.count(Cause::tx_full), 0u);
}

// A jumbo frame in segments as a driver makes them, the last one beginning anywhere around ESP's trailer and its ICV.
TEST(Journey, Duty70_CutAnywhereAroundTheTrailerAndTheIcv) {
  constexpr std::size_t kIcv = 16;
  config::Config config = tunnel_config();
  for (config::Port& port : config.ports) port.mtu = 9000;
  Gateway gateway(config, 255, 9728);
  test::RawBuffers raw(test::unique_name("raw"), kPrivateSize);
  Peer peer;
  Octets expected;
  std::size_t frames = 0;
  for (std::size_t behind = 1; behind <= 2 * kIcv; ++behind) {
    const Octets frame = peer.frame(test::ipv6(kPeer, kSid, 4, inner_ipv4(8800)));
    gateway.turn_of_chain(0, raw.make_of_segments(frame, {2000, 4000, 6000, 8000, frame.size() - behind}));
    ++frames;
    const std::vector<Octets> sent = gateway.newly_sent(1);
    ASSERT_EQ(sent.size(), 1u) << behind;
    EXPECT_EQ(sent[0].size(), 14u + 20 + 8800);
    if (expected.empty()) expected = sent[0];
    EXPECT_EQ(sent[0], expected) << behind;
    EXPECT_TRUE(std::equal(sent[0].begin() + 34, sent[0].end(), test::counted(8800).begin()));
  }
  EXPECT_EQ(gateway.finish().sids.at(0)[0], frames);
  EXPECT_EQ(raw.in_use(), 0u);
}

TEST(Journey, AnEmptyPortIsNoWork) {
  Gateway gateway(tunnel_config());
  gateway.turn(0, {});
  EXPECT_EQ(gateway.finish().sent[1].size(), 0u);
}

// --- the graph -------------------------------------------------------------------------------------------------------

TEST(Graph, EveryCauseBelongsToAStep) {
  std::set<Cause> listed;
  for (const GraphStep& step : journey_graph()) listed.insert(step.causes.begin(), step.causes.end());
  for (const CauseText& text : kCauses) EXPECT_TRUE(listed.contains(text.cause)) << text.name;
}

TEST(Graph, EveryStepBetweenThePortsIsCounted) {
  std::vector<std::string> steps;
  for (const GraphStep& step : journey_graph())
    if (!step.from.empty() && !step.to.empty() && (steps.empty() || steps.back() != step.name))
      steps.push_back(step.name);
  EXPECT_EQ(steps, std::vector<std::string>(kStepNames.begin(), kStepNames.end()));
}

TEST(Graph, AStepListsACauseOnce) {
  for (const GraphStep& step : journey_graph()) {
    const std::set<Cause> once(step.causes.begin(), step.causes.end());
    EXPECT_EQ(once.size(), step.causes.size()) << step.name;
  }
}

TEST(Graph, EveryStageIsReachedAndLeft) {
  std::set<std::string> reached;
  std::set<std::string> left;
  for (const GraphStep& step : journey_graph()) {
    EXPECT_TRUE(step.from.empty() || reached.contains(step.from)) << step.name << " comes before what leads to it";
    reached.insert(step.to.begin(), step.to.end());
    // Any stage may have a step that hands some over to where they have their step.
    if (std::ranges::find(step.to, "another worker") != step.to.end()) continue;
    // Frames of the host port have a step of their own; who waits for a neighbor goes one way or the other.
    const bool may_be_second = step.name == "classify_host" || step.name == "resume" || step.name == "give_up";
    const bool first_to_leave = step.from.empty() || left.insert(step.from).second;
    EXPECT_NE(first_to_leave, may_be_second) << step.from << " has two steps";
  }
  EXPECT_EQ(reached, left);
}

TEST(Graph, CauseNamesAreTheirEnumeratorsAndUnique) {
  std::set<std::string_view> names;
  for (const CauseText& text : kCauses) {
    EXPECT_TRUE(names.insert(text.name).second) << text.name;
    EXPECT_NE(text.name.find('.'), std::string_view::npos) << text.name;
    EXPECT_FALSE(text.sentence.empty()) << text.name;
  }
}

// --- outbound --------------------------------------------------------------------------------------------------------

config::Config outbound_config(bool esn, int segments = 1, int mtu = 1500) {
  std::string list;
  for (int i = 1; i <= segments; ++i)
    list += (i == 1 ? "" : ", ") + std::string("\"fc00:2::") + std::to_string(i) + "\"";
  const std::string text = std::string(R"(
ports:
  wan: {device: a, mac: "02:00:00:00:01:01", addresses: [192.0.2.1/24], side: unprotected, mtu: )") +
                           std::to_string(mtu) + R"(}
  lan: {device: b, mac: "02:00:00:00:01:02", addresses: [10.1.0.1/24], side: protected}
neighbors:
  - {port: wan, address: 192.0.2.2, mac: "02:00:00:00:02:01"}
ipsec:
  security_associations:
    - {name: to-b, direction: out, spi: 0x2001, source: 192.0.2.1, destination: 192.0.2.2, algorithm: aes-128-gcm,
       key: "hex:0102030405060708090a0b0c0d0e0f1011121314", esn: )" +
                           (esn ? "true" : "false") + R"(,
       selectors: {source: "fc00:1::/48", destination: "fc00:2::/48"}}
srv6:
  source: "fc00:1::1"
  policies:
    - {name: to-b, prefixes: [10.2.0.0/16], segments: [)" +
                           list + R"(]}
)";
  return router_alone(test::config_of(text));
}

// 10.1.0.2 to 10.2.0.2, of total octets.
Octets from_host(std::size_t total = 28) {
  Octets ip = test::from_hex("4500 0000 0001 4000 40fd 0000 0a010002 0a020002");
  ip.resize(total, 0x11);
  wire::store_be16(&ip[2], static_cast<std::uint16_t>(total));
  wire::store_be16(&ip[10], wire::checksum(wire::Bytes(ip).first(20)));
  return test::join(test::from_hex("020000000102 020000000202 0800"), ip);
}

// RFC 4303 section 3.3.3: the number never cycles. The last one is used, and with it the SA is at its end.
TEST(Outbound, Duty08_NumbersEndBeforeTheyCycle) {
  for (const bool esn : {false, true}) {
    Gateway gateway(outbound_config(esn));
    gateway.out_sa().sequence = esn ? ~std::uint64_t{0} - 1 : 0xfffffffe;
    gateway.turn(1, std::vector<Octets>(3, from_host()));
    const Outcome outcome = gateway.finish();
    ASSERT_EQ(outcome.sent[0].size(), 1u);
    EXPECT_EQ(wire::load_be32(&outcome.sent[0][0][14 + 20 + 4]), 0xffffffffu);
    EXPECT_EQ(outcome.count(Cause::esp_seq_exhausted), 2u);
  }
}

// RFC 8221 section 3: what nobody has reserved is not used, and takes no number; with more reserved it goes on.
TEST(Outbound, Duty35_WhatIsNotReservedIsNotUsed) {
  for (const bool esn : {false, true}) {
    Gateway gateway(outbound_config(esn));
    gateway.out_sa().sequence = 1000;
    gateway.out_sa().limit = 1002;
    gateway.turn(1, std::vector<Octets>(5, from_host()));
    EXPECT_EQ(gateway.out_sa().sequence, 1002u);
    EXPECT_EQ(gateway.newly_sent(0).size(), 2u);
    gateway.out_sa().limit = 1003;
    gateway.turn(1, std::vector<Octets>(2, from_host()));
    const Outcome outcome = gateway.finish();
    ASSERT_EQ(outcome.sent[0].size(), 3u);
    for (std::uint32_t i = 0; i < 3; ++i) EXPECT_EQ(wire::load_be32(&outcome.sent[0][i][14 + 20 + 4]), 1001 + i);
    EXPECT_EQ(outcome.count(Cause::esp_not_reserved), 4u);
  }
}

// RFC 4301 section 4.4.2.1: what the hard lifetime ends sends nothing, and it is told from want of numbers.
TEST(Outbound, Duty31_WhatHasExpiredIsNotUsed) {
  Gateway gateway(outbound_config(false));
  gateway.out_sa().limit = gateway.out_sa().last = 1;
  gateway.turn(1, std::vector<Octets>(3, from_host()));
  gateway.out_sa().limit = gateway.out_sa().last = 0;
  gateway.turn(1, std::vector<Octets>(1, from_host()));
  const Outcome outcome = gateway.finish();
  EXPECT_EQ(outcome.sent[0].size(), 1u);
  EXPECT_EQ(outcome.count(Cause::esp_expired), 3u);
}

// Beyond 2^32 an SA with ESN goes on, and the low half is what is sent.
TEST(Outbound, Duty08_EsnCrosses32Bits) {
  Gateway gateway(outbound_config(true));
  gateway.out_sa().sequence = 0xfffffffe;
  gateway.turn(1, std::vector<Octets>(3, from_host()));
  const Outcome outcome = gateway.finish();
  ASSERT_EQ(outcome.sent[0].size(), 3u);
  const std::uint64_t ivs[] = {0xffffffff, 0x100000000, 0x100000001};
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(wire::load_be32(&outcome.sent[0][i][14 + 20 + 4]), static_cast<std::uint32_t>(ivs[i]));
    EXPECT_EQ(wire::load_be64(&outcome.sent[0][i][14 + 20 + 8]), ivs[i]);
  }
}

// What the cipher reports an error about is never sent: here a key that is not there.
TEST(Outbound, Duty77_WhatCannotBeSealedIsNotSent) {
  Gateway gateway(outbound_config(false));
  AeadKey taken = std::move(gateway.out_sa().key);
  gateway.turn(1, std::vector<Octets>(3, from_host()));
  gateway.out_sa().key = std::move(taken);
  gateway.turn(1, std::vector<Octets>(2, from_host()));
  const Outcome outcome = gateway.finish();
  EXPECT_EQ(outcome.sent[0].size(), 2u);
  EXPECT_EQ(outcome.count(Cause::esp_seal_failed), 3u);
}

// ChaCha20-Poly1305 takes three calls of the library, and the last one would know nothing of the first one's error.
TEST(Outbound, Duty77_WhatCannotBeSealedInPartsIsNotSent) {
  config::Config config = outbound_config(false);
  config.security_associations.at(0).algorithm = config::Algorithm::chacha20_poly1305;
  config.security_associations.at(0).key = config::Secret(secret::Octets(36, 7));
  Gateway gateway(config);
  AeadKey taken = std::move(gateway.out_sa().key);
  gateway.turn(1, std::vector<Octets>(3, from_host()));
  gateway.out_sa().key = std::move(taken);
  gateway.turn(1, std::vector<Octets>(2, from_host()));
  const Outcome outcome = gateway.finish();
  EXPECT_EQ(outcome.sent[0].size(), 2u);
  EXPECT_EQ(outcome.count(Cause::esp_seal_failed), 3u);
}

// RFC 4106 section 3.1: no IV comes twice with one key.
TEST(Outbound, Duty33_NoIvTwice) {
  Gateway gateway(outbound_config(false));
  std::set<std::uint64_t> ivs;
  const std::uint64_t turns = rounds(2000);
  for (std::uint64_t turn = 0; turn < turns; ++turn) {
    gateway.turn(1, std::vector<Octets>(1 + turn % 64, from_host()));
    gateway.collect();
  }
  const Outcome outcome = gateway.finish();
  for (const Octets& frame : outcome.sent[0]) EXPECT_TRUE(ivs.insert(wire::load_be64(&frame[14 + 20 + 8])).second);
  EXPECT_EQ(ivs.size(), outcome.sent[0].size());
  EXPECT_GT(ivs.size(), turns * 30);
}

// A buffer that is full has no room for a tunnel's headers; one octet less of packet, and it has. The ports' MTU is not
// what stops it: buffers may be smaller than what a device is told to take.
TEST(Outbound, NoRoomInTheBuffer) {
  const std::size_t srh = 8 + 15 * 16;
  const std::size_t needs = Gate::kSealFront + Gate::kSealEnd + 40 + srh;
  const std::size_t most = 2048 + RTE_PKTMBUF_HEADROOM - needs;
  Gateway gateway(outbound_config(false, 16, 9000));
  gateway.turn(1, std::vector<Octets>{from_host(most), from_host(most + 1), from_host(2034)});
  const Outcome outcome = gateway.finish();
  ASSERT_EQ(outcome.sent[0].size(), 1u);
  const std::size_t padding = (4 - (40 + srh + most + 2) % 4) % 4;
  EXPECT_EQ(outcome.sent[0][0].size(), 14 + 20 + 16 + 40 + srh + most + padding + 2 + 16);
  EXPECT_EQ(outcome.count(Cause::tx_no_room), 2u);
}

}  // namespace
}  // namespace strata
