// Tables take the place of others while packets go on.
#include <gtest/gtest.h>

#include <algorithm>

#include "control/build.hpp"
#include "tests/unit/crew.hpp"

namespace strata {
namespace {

using test::Crew;
using test::Octets;

constexpr std::size_t kWan = 0;
constexpr std::size_t kLan = 1;

struct Tunnel {
  unsigned number;     // of its SPIs, its keys, its prefix
  std::string more{};  // of the outbound SA: ", ttl: 7"
};

std::string key_of(unsigned first) {
  std::string text = "hex:";
  for (unsigned i = 0; i < 20; ++i) {
    char octet[3];
    std::snprintf(octet, sizeof octet, "%02x", (first + i) & 0xff);
    text += octet;
  }
  return text;
}

constexpr const char* kNextHop = "10.1.0.2";

// to: the SID's next hop; neighbors: on the lan, "10.1.0.2" and so on.
config::Config gateway(const std::vector<Tunnel>& tunnels, const std::string& to = kNextHop,
                       const std::vector<std::string>& neighbors = {kNextHop}, const std::string& more = {}) {
  std::string text = R"(
ports:
  wan: {device: a, mac: "02:00:00:00:01:01", addresses: [192.0.2.1/24], side: unprotected}
  lan: {device: b, mac: "02:00:00:00:01:02", addresses: [10.1.0.1/24], side: protected}
neighbors:
  - {port: wan, address: 192.0.2.2, mac: "02:00:00:00:02:01"}
)";
  for (const std::string& address : neighbors)
    text += "  - {port: lan, address: " + address + ", mac: \"02:00:00:00:02:0" + address.back() + "\"}\n";
  text +=
      "srv6:\n  source: \"fc00:1::1\"\n  local_sids:\n    - {sid: \"fc00:1::d4/128\", behavior: End.DX4, next_hop: " +
      to + ", port: lan}\n  policies:\n";
  for (const auto& [number, said] : tunnels) {
    const std::string n = std::to_string(number);
    text += "    - {name: p" + n + ", prefixes: [10.2." + n + ".0/24], segments: [\"fc00:2:" + n + "::d4\"]}\n";
  }
  text += more + "ipsec:\n  security_associations:\n";
  for (const auto& [number, said] : tunnels) {
    const std::string n = std::to_string(number);
    const std::string of = ", algorithm: aes-128-gcm, key: \"";
    text += "    - {name: in" + n + ", direction: in, spi: 0x100" + n + ", source: 192.0.2.2, destination: 192.0.2.1" +
            of + key_of(number * 40) + "\", selectors: {source: \"fc00:2:" + n +
            "::/48\", destination: \"fc00:1::/48\"}}\n";
    text += "    - {name: out" + n + ", direction: out, spi: 0x200" + n +
            ", source: 192.0.2.1, destination: 192.0.2.2" + said + of + key_of(number * 40 + 20) +
            "\", selectors: {source: \"fc00:1::/48\", destination: \"fc00:2:" + n + "::/48\"}}\n";
  }
  return test::config_of(text);
}

// A peer's packet through its tunnel to the SID, as plain ESP.
class Peer {
 public:
  explicit Peer(unsigned number)
      : number_(number), key_(AeadAlgorithm::aes_128_gcm, test::from_hex(key_of(number * 40).substr(4).c_str())) {}
  Octets next() { return numbered(++sequence_); }
  Octets numbered(std::uint32_t sequence) {
    const std::string source = "fc000002000" + std::to_string(number_) + "00000000000000000001";
    const Octets inner = test::ipv4({"0a020005", "0a010005", 253, 0, 64, 1}, Octets(20));
    const Octets text =
        test::with_trailer(test::ipv6(source.c_str(), "fc0000010000000000000000000000d4", 4, inner), 41);
    const Octets esp = test::seal(aead_, key_, 0x1000 + number_, sequence, false, text);
    return test::ethernet("020000000101", 0x0800, test::ipv4({"c0000202", "c0000201", 50}, esp));
  }

 private:
  unsigned number_;
  Aead aead_ = *Aead::create();
  AeadKey key_;
  std::uint32_t sequence_ = 0;
};

Octets to_tunnel(unsigned number) {
  const std::string to = "0a020" + std::to_string(number) + "05";
  return test::ethernet("020000000102", 0x0800, test::ipv4({"0a010002", to.c_str(), 253, 0, 64, 1}, Octets(20)));
}

// SPI and number of plain ESP.
std::pair<std::uint32_t, std::uint32_t> esp_of(const Octets& frame) {
  return {wire::load_be32(&frame[34]), wire::load_be32(&frame[38])};
}

// Of the frames on the lan, those that came out of an SA; of these, those to 10.1.0.`host`.
bool is_opened(const Octets& frame) { return frame[12] == 0x08 && frame[13] == 0x00 && frame[23] == 253; }
std::size_t opened(const Crew& crew) {
  return static_cast<std::size_t>(std::ranges::count_if(crew.sent(kLan), is_opened));
}
std::size_t opened_to(const Crew& crew, std::uint8_t host) {
  return static_cast<std::size_t>(std::ranges::count_if(
      crew.sent(kLan), [=](const Octets& frame) { return is_opened(frame) && frame[5] == host; }));
}

// Nobody is asked for its address: of what comes each packet makes one.
constexpr const char* kNoArp = "arp: {enabled: false}\n";

class Reload : public testing::TestWithParam<unsigned> {
 protected:
  // In threads of their own, as replace() waits for them.
  void reload(Crew& crew, config::Config config) {
    crew.start();
    const auto done = crew.reload(std::move(config));
    crew.stop();
    ASSERT_TRUE(done) << done.error();
  }
};
INSTANTIATE_TEST_SUITE_P(Workers, Reload, testing::Values(1u, 3u));

TEST_P(Reload, WhatStaysKeepsItsWindowItsNumbersAndItsCounters) {
  Peer peer(1);
  Crew crew(gateway({{0}, {1}}), GetParam());
  for (int i = 0; i < 5; ++i) crew.feed(kWan, peer.next());
  for (int i = 0; i < 5; ++i) crew.feed(kLan, to_tunnel(1));
  crew.settle();
  reload(crew, gateway({{2}, {1, ", ttl: 7"}}));
  crew.feed(kWan, peer.numbered(3));
  crew.feed(kWan, peer.next());
  crew.feed(kLan, to_tunnel(1));
  crew.settle();
  EXPECT_EQ(crew.count(Cause::esp_replayed), 1u) << "the window is the one of before";
  EXPECT_EQ(opened(crew), 6u);
  ASSERT_EQ(crew.sent(kWan).size(), 6u);
  EXPECT_EQ(esp_of(crew.sent(kWan)[5]), std::pair(0x2001u, 6u));
  EXPECT_EQ(crew.sent(kWan)[4][22], 64);
  EXPECT_EQ(crew.sent(kWan)[5][22], 7) << "its TTL is the new one";
  for (const Octets& frame : crew.sent(kWan)) EXPECT_EQ(wire::checksum(wire::Bytes(frame).subspan(14, 20)), 0);
  EXPECT_EQ(crew.tables().sas[1].packets, 6u);
  crew.finish();
}

TEST_P(Reload, WhatIsGoneOpensAndSealsNothingAndWhatIsNewDoes) {
  Peer old_peer(0);
  Peer new_peer(2);
  Crew crew(gateway({{0}, {1}}), GetParam());
  crew.feed(kWan, old_peer.next());
  crew.settle();
  reload(crew, gateway({{1}, {2}}));
  crew.feed(kWan, old_peer.next());
  crew.feed(kWan, new_peer.next());
  crew.feed(kLan, to_tunnel(0));
  crew.feed(kLan, to_tunnel(2));
  crew.settle();
  EXPECT_EQ(crew.count(Cause::esp_no_sa), 1u);
  EXPECT_EQ(opened(crew), 2u);
  ASSERT_EQ(crew.sent(kWan).size(), 1u) << "what has no policy any more does not leave in clear";
  EXPECT_EQ(esp_of(crew.sent(kWan)[0]), std::pair(0x2002u, 1u));
  crew.finish();
}

// Its packets of before are as good as they were: the key is the same.
TEST_P(Reload, Duty05_AnSaThatGoesAndComesBackTakesNoPacketAgain) {
  Peer peer(0);
  Crew crew(gateway({{0}, {1}}), GetParam());
  for (const std::uint32_t number : {1U, 2U, 5000U}) crew.feed(kWan, peer.numbered(number));
  crew.settle();
  for (unsigned turn = 0; turn < 3; ++turn) {
    reload(crew, gateway({{1}}));
    reload(crew, gateway({{1}, {0}}));
    for (const std::uint32_t number : {1U, 2U, 4990U, 5000U}) crew.feed(kWan, peer.numbered(number));
    crew.settle();
    EXPECT_EQ(opened(crew), 3u) << turn;
  }
  EXPECT_EQ(crew.count(Cause::esp_replayed), 6u) << "4990 too: nobody knows whether it came";
  EXPECT_EQ(crew.count(Cause::esp_replay_too_old), 6u);
  crew.feed(kWan, peer.numbered(5001));
  crew.settle();
  EXPECT_EQ(opened(crew), 4u) << "and what its peer goes on with is opened";
  crew.finish();
}

TEST_P(Reload, APlaceIsTakenAgainOnceItWasLeft) {
  Crew crew(gateway({{0}, {1}}), GetParam());
  reload(crew, gateway({{1}, {2}}));
  EXPECT_EQ(crew.tables().sas.size(), 3u) << "the one that left still had its place";
  reload(crew, gateway({{1}, {3}}));
  EXPECT_EQ(crew.tables().sas.size(), 3u);
  Peer peer(3);
  crew.feed(kWan, peer.next());
  crew.settle();
  EXPECT_EQ(opened(crew), 1u);
  crew.finish();
}

TEST_P(Reload, TheSidsNextHopIsAnotherOne) {
  Peer peer(0);
  Crew crew(gateway({{0}}), GetParam());
  crew.feed(kWan, peer.next());
  crew.settle();
  reload(crew, gateway({{0}}, "10.1.0.3", {"10.1.0.3"}));
  crew.feed(kWan, peer.next());
  crew.settle();
  EXPECT_EQ(opened(crew), 2u);
  EXPECT_EQ(crew.set().worker(0).sid_counters()[0].packets +
                (GetParam() > 1
                     ? crew.set().worker(1).sid_counters()[0].packets + crew.set().worker(2).sid_counters()[0].packets
                     : 0u),
            2u);
  crew.finish();
}

// What an SA has let through once it lets through no more where the configuration has changed its mind, whatever it
// remembers of the packet before. With several workers the SA is one's that takes the tables over after the receiver
// has, and has moved there.
class Remembered : public Reload {
 protected:
  static constexpr std::size_t kIn = 2;  // of the second tunnel
  Remembered() : crew_(gateway({{0}, {1}}), GetParam()) {
    feed(3);
    if (GetParam() == 1) return;
    crew_.start();
    EXPECT_TRUE(crew_.set().move(std::vector{SaRef{SaRef::Direction::in, 1}}, WorkerId(2)));
    crew_.stop();
    feed(3);
  }
  void feed(int packets) {
    for (int i = 0; i < packets; ++i) crew_.feed(kWan, peer_.next());
    crew_.settle();
    opened_before_ += static_cast<std::size_t>(packets);
  }
  // The configuration with that SA's selectors as `change` leaves them.
  template <class Change>
  config::Config with(Change change) {
    config::Config other = gateway({{0}, {1}});
    EXPECT_EQ(other.security_associations[kIn].spi, 0x1001u);
    change(other);
    return other;
  }
  void ends_with(Cause cause) {
    ASSERT_EQ(opened(crew_), opened_before_);
    for (int i = 0; i < 2; ++i) crew_.feed(kWan, peer_.next());
    crew_.settle();
    EXPECT_EQ(opened(crew_), opened_before_);
    EXPECT_EQ(crew_.count(cause), 2u);
    reload(crew_, gateway({{0}, {1}}));
    feed(1);
    EXPECT_EQ(opened(crew_), opened_before_);
    crew_.finish();
  }

  Peer peer_{1};
  Crew crew_;
  std::size_t opened_before_ = 0;
};
INSTANTIATE_TEST_SUITE_P(Workers, Remembered, testing::Values(1u, 3u));

TEST_P(Remembered, ASidThatGoes) {
  reload(crew_, with([](config::Config& other) { other.local_sids[0].sid.address.octets[15] = 0xd5; }));
  ends_with(Cause::sr6_no_sid);
}

// The old one is still there, and would take what is sent to it.
TEST_P(Remembered, ASidThatLeadsElsewhere) {
  const std::vector<std::string> both{kNextHop, "10.1.0.3"};
  reload(crew_, gateway({{0}, {1}}, kNextHop, both));
  feed(3);
  const std::size_t before = opened_before_;
  EXPECT_EQ(opened_to(crew_, 2), before);
  for (std::size_t turn = 0; turn < 2; ++turn) {
    reload(crew_, gateway({{0}, {1}}, "10.1.0.3", both));
    feed(3);
    EXPECT_EQ(opened_to(crew_, 2), before + 3 * turn);
    EXPECT_EQ(opened_to(crew_, 3), 3 * turn + 3);
    reload(crew_, gateway({{0}, {1}}, kNextHop, both));
    feed(3);
    EXPECT_EQ(opened_to(crew_, 2), before + 3 * turn + 3);
    EXPECT_EQ(opened_to(crew_, 3), 3 * turn + 3);
  }
  crew_.finish();
}

TEST_P(Remembered, Duty24_SelectorsThatChange) {
  reload(crew_,
         with([](config::Config& other) { other.security_associations[kIn].selectors.source.address.octets[5] = 7; }));
  ends_with(Cause::policy_selector_mismatch);
}

TEST_P(Remembered, Duty24_AProtocolThatIsSaidNow) {
  reload(crew_, with([](config::Config& other) { other.security_associations[kIn].selectors.protocol = 6; }));
  ends_with(Cause::policy_selector_mismatch);
}

// Held for a next hop that then goes, packets end with a cause; for one whose address is then said, they leave.
TEST_P(Reload, PacketsThatWaitForANeighbor) {
  Peer peer(0);
  Crew crew(gateway({{0}}, kNextHop, {}), GetParam());
  for (int i = 0; i < 3; ++i) crew.feed(kWan, peer.next());
  crew.settle();
  EXPECT_EQ(crew.set().parked(), 3u);
  reload(crew, gateway({{0}}, kNextHop, {kNextHop}));
  crew.settle();
  EXPECT_EQ(crew.set().parked(), 0u);
  EXPECT_EQ(opened(crew), 3u);
  reload(crew, gateway({{0}}, "10.1.0.9", {}));
  for (int i = 0; i < 3; ++i) crew.feed(kWan, peer.next());
  crew.settle();
  EXPECT_EQ(crew.set().parked(), 3u);
  reload(crew, gateway({{0}}, kNextHop, {kNextHop}));
  EXPECT_EQ(crew.count(Cause::adj_unresolved), 3u);
  EXPECT_EQ(crew.set().parked(), 0u);
  crew.finish();
}

TEST_P(Reload, NothingIsLostWhilePacketsCome) {
  constexpr std::uint32_t kPackets = 4000;
  Peer peer(0);
  std::vector<Octets> frames;
  for (std::uint32_t i = 0; i < kPackets; ++i) frames.push_back(peer.next());
  Crew crew(gateway({{0}, {1}}, kNextHop, {kNextHop}, kNoArp), GetParam());
  crew.start();
  std::atomic<bool> feeding{true};
  std::atomic<unsigned> reloads{0};
  std::thread changer([&] {
    for (unsigned turn = 0; feeding.load(); ++turn) {
      const std::string other = turn % 2 == 0 ? "10.1.0.3" : "10.1.0.4";
      const auto done = crew.reload(
          gateway({{2 + turn % 3}, {0, turn % 2 == 0 ? ", ttl: 7" : ""}}, kNextHop, {kNextHop, other}, kNoArp));
      ASSERT_TRUE(done) << done.error();
      ++reloads;
    }
  });
  const auto feed = [&](std::size_t port, const Octets& frame) {
    while (crew.on_their_way() > 500 || !crew.feed(port, frame)) {
      crew.collect();
      std::this_thread::yield();
    }
  };
  for (std::size_t i = 0; i < frames.size() || reloads < 10; ++i) {
    if (i < frames.size()) feed(kWan, frames[i]);
    feed(kLan, to_tunnel(0));
  }
  feeding = false;
  changer.join();
  crew.finish();
  EXPECT_EQ(opened(crew), kPackets);
  std::uint32_t last = 0;
  for (const Octets& frame : crew.sent(kWan)) ASSERT_EQ(esp_of(frame), std::pair(0x2000u, ++last));
  EXPECT_GE(last, kPackets);
  std::uint64_t ended = 0;
  for (unsigned i = 0; i < crew.set().size(); ++i) ended += crew.set().worker(i).ends().count(Fate::dropped);
  EXPECT_EQ(ended, 0u);
}

TEST(GoneWindows, AreKnownBySpiEsnAndKey) {
  const auto sa_of = [](std::uint32_t spi, bool esn, unsigned key) {
    config::SecurityAssociation sa = gateway({{0}}).security_associations[0];
    sa.spi = spi;
    sa.esn = esn;
    sa.key = gateway({{key}}).security_associations[0].key;
    return sa;
  };
  GoneWindows gone = *GoneWindows::create();
  gone.note(sa_of(7, false, 1), 100);
  EXPECT_EQ(gone.top_of(sa_of(7, false, 1)), 100u);
  EXPECT_EQ(gone.top_of(sa_of(8, false, 1)), 0u);
  EXPECT_EQ(gone.top_of(sa_of(7, true, 1)), 0u);
  EXPECT_EQ(gone.top_of(sa_of(7, false, 2)), 0u);
  gone.note(sa_of(7, false, 1), 90);
  EXPECT_EQ(gone.top_of(sa_of(7, false, 1)), 100u) << "of two that had it, what either has received";
}

// RFC 4106 section 3.1: by its key alone, be the window off and nothing received.
TEST(GoneWindows, Duty35_AKeyThatHasOpenedIsKnown) {
  GoneWindows gone = *GoneWindows::create(2);
  config::SecurityAssociation sa;
  for (std::uint8_t i = 0; i < 3; ++i) {
    sa.key = config::Secret(secret::Octets(20, i));
    EXPECT_FALSE(gone.has_opened(sa.key));
    sa.spi = 0x1000U + i;
    gone.note(sa, 0);
    sa.spi = 0x2000;
    EXPECT_TRUE(gone.has_opened(sa.key));
  }
  EXPECT_FALSE(gone.has_opened(config::Secret(secret::Octets(20, 9))));
}

TEST(GoneWindows, KnowNothingOfNumbersThatMayCycle) {
  config::SecurityAssociation sa = gateway({{0}}).security_associations[0];
  sa.replay_window = 0;
  sa.esn = false;
  GoneWindows gone = *GoneWindows::create();
  gone.note(sa, 0xfffffff0);
  EXPECT_EQ(gone.top_of(sa), 0u);
  sa.esn = true;
  gone.note(sa, 7);
  EXPECT_EQ(gone.top_of(sa), 7u);
}

TEST(GoneWindows, ForgetsThoseThatWentFirst) {
  constexpr std::size_t kRoom = 100;
  GoneWindows gone = *GoneWindows::create(kRoom);
  config::SecurityAssociation sa = gateway({{0}}).security_associations[0];
  for (sa.spi = 1; sa.spi <= 1050; ++sa.spi) gone.note(sa, sa.spi);
  std::size_t known = 0;
  for (sa.spi = 1; sa.spi <= 1050; ++sa.spi) {
    const std::uint64_t top = gone.top_of(sa);
    known += top != 0;
    EXPECT_TRUE(top == sa.spi || (top == 0 && sa.spi <= 1050 - kRoom)) << sa.spi;
  }
  EXPECT_LE(known, 2 * kRoom);
}

TEST(Rebuild, WhatDoesNotFitChangesNothing) {
  test::start_dataplane();
  const std::vector<wire::MacAddress> macs(2);
  const config::Config before = gateway({{0}});
  auto built = build(before, macs);
  ASSERT_TRUE(built) << built.error();
  std::vector<std::string> neighbors;
  config::Config after = gateway({{0}, {1}});
  for (std::uint32_t i = 0; i < 9000; ++i)
    after.neighbors.push_back({"lan", wire::Ipv4Address{0x0a010200 + i}, wire::MacAddress{}, {}});
  const auto made = rebuild(after, macs, {before, *built->tables, built->places, *GoneWindows::create()});
  ASSERT_FALSE(made);
  EXPECT_TRUE(made.error().starts_with("no room for more next hops: ")) << made.error();
  EXPECT_EQ(built->tables->sas[0].spi, 0x1000u);
}

}  // namespace
}  // namespace strata
