// What becomes of a packet on the fast path is what the steps make of it one by one.
#include "dataplane/stage/seal_fast_path.hpp"

#include <gtest/gtest.h>

#include "tests/unit/frames.hpp"
#include "tests/unit/gateway.hpp"
#include "tests/unit/packets.hpp"

namespace strata {
namespace {

using test::Octets;

constexpr std::string_view kConfig = R"(
ports:
  wan: {device: net_null0, mac: "02:00:00:00:01:01", addresses: [192.0.2.1/24], side: unprotected, mtu: 1500}
  lan: {device: net_null1, mac: "02:00:00:00:01:02", addresses: [10.1.0.1/24], side: protected}
neighbors:
  - {port: wan, address: 192.0.2.2, mac: "02:00:00:00:02:01"}
  - {port: lan, address: 10.1.0.2, mac: "02:00:00:00:02:02"}
routes:
  - {prefix: 10.9.0.0/16, next_hop: 10.1.0.2, port: lan}
ipsec:
  security_associations:
    - {name: to-b, direction: out, spi: 0x2001, source: 192.0.2.1, destination: 192.0.2.2,
       udp_encap: {source_port: 4500, destination_port: 4500}, algorithm: aes-128-gcm,
       key: "hex:0102030405060708090a0b0c0d0e0f1011121314", selectors: {source: "fc00:1::/48", destination: "fc00:2::/48"}}
    - {name: to-c, direction: out, spi: 0x2002, source: 192.0.2.1, destination: 192.0.2.2, df: copy, dscp: 10, esn: true,
       algorithm: aes-256-gcm, key: "hex:0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324",
       selectors: {source: "fc00:1::/48", destination: "fc00:3::/48"}}
    - {name: to-d, direction: out, spi: 0x2003, source: 192.0.2.1, destination: 192.0.2.9, algorithm: aes-128-gcm,
       key: "hex:0102030405060708090a0b0c0d0e0f1011121315", selectors: {source: "fc00:1::/48", destination: "fc00:4::/48"}}
srv6:
  source: "fc00:1::1"
  policies:
    - {name: to-b, prefixes: [10.2.0.0/16], segments: ["fc00:2::d4"]}
    - {name: to-c, prefixes: [10.3.0.0/16], segments: ["fc00:3::1", "fc00:3::d4"], mode: H.Encaps.Red, dscp: 11,
       mss_clamp: true}
    - {name: to-d, prefixes: [10.4.0.0/16], segments: ["fc00:4::d4"]}
    - {name: to-e, prefixes: [10.5.0.0/16], segments: ["fc00:5::d4"]}
    - {name: to-f, prefixes: [10.6.0.0/16], segments: ["fc00:2::1", "fc00:2::2", "fc00:2::d4"], mode: H.Encaps.Red}
)";

constexpr const char* kHost = "0a010005";
constexpr const char* kAtB = "0a020005";
constexpr const char* kAtC = "0a030005";
constexpr const char* kAtD = "0a040005";  // nobody knows the MAC address of its gateway
constexpr const char* kAtE = "0a050005";  // no SA takes it
constexpr const char* kAtF = "0a060005";  // its headers are longer than the headroom of DPDK's buffers
constexpr const char* kOnLan = "0a090005";
constexpr std::uint16_t kDontFragment = 0x4000;

config::Config config_of_all() { return test::config_of(std::string(kConfig)); }

Octets packet(const char* to = kAtB, std::size_t payload = 30, std::uint8_t ttl = 64, std::uint8_t tos = 0,
              const char* from = kHost, std::uint8_t protocol = 17, std::uint16_t fragment = kDontFragment) {
  return test::ipv4({from, to, protocol, tos, ttl, 0x1234, fragment}, test::counted(payload));
}

// --- which packets take it ------------------------------------------------------------------------------------------

class SealFastPath : public testing::Test {
 protected:
  static constexpr Origin kLan{SaId::none(), PortId(1), Side::protected_side, Arrival{}};

  SealFastPath() {
    config::Config config = config_of_all();
    tables_ = std::move(build_tables(config, {config.ports[0].mac.value(), config.ports[1].mac.value()}).value());
    for (OutboundSa& sa : tables_->out_sas) sa.limit = sa.last = sa.last_number();
  }

  struct ToOthers {
    Burst<stage::Ip4>& others;
    std::function<void()> then;
    Done input(Packet<stage::Ip4> ip4, const Row<stage::Ip4>& row, const Route&) const {
      if (then) then();
      return others.push(std::move(ip4), row);
    }
  };

  // How many took it; the others went on as they came, and behind each of them comes `then`.
  std::size_t fast(const std::vector<Octets>& packets, const Origin& from = kLan,
                   const std::function<void()>& then = nullptr) {
    Burst<stage::Ip4> in;
    test::receive_ip4(source_, packets, in, from);
    return fast_of(in, packets, then);
  }
  std::size_t fast_of(Burst<stage::Ip4>& in, const std::vector<Octets>& packets,
                      const std::function<void()>& then = nullptr) {
    const BurstRoutes routes(in, tables_->routes, tables_->policies);
    Burst<stage::Ip4> others;
    const ToOthers forward{others, then};
    const auto may_seal = [this](OutSaId sa) { return may_seal_ && sa != refused_; };
    Burst<stage::Unsealed> unsealed;
    const SealFastPathStep step(*tables_, tables_->adjacencies, forward, may_seal, unsealed);
    drain_routed(in, routes, step);
    EXPECT_EQ(step.slow(), others.size());
    const std::size_t n = unsealed.size();
    EXPECT_EQ(n + others.size(), packets.size());
    for (std::size_t i = 0; i < others.size(); ++i)
      EXPECT_EQ(test::octets_of(others, i), packets[static_cast<std::size_t>(others.row(i).from.place())]);
    test::end_all(others, source_.ends());
    test::end_all(unsealed, source_.ends());
    source_.ends().flush();
    return n;
  }

  test::Source source_;
  std::unique_ptr<Tables> tables_;
  bool may_seal_ = true;
  OutSaId refused_ = OutSaId::none();
};

TEST_F(SealFastPath, WhatMostAre) {
  EXPECT_EQ(fast({packet(), packet(kAtB, 0), packet(kAtB, 1300, 2), packet(kAtB, 30, 255, 0xff), packet(kAtC)}), 5u);
  EXPECT_EQ(tables_->out_sas.at(0).sequence, 4u);
  EXPECT_EQ(tables_->out_sas.at(0).packets, 4u);
  EXPECT_EQ(tables_->out_sas.at(0).octets, 4 * 60 + 30 + 1300 + 30u);
  EXPECT_EQ(tables_->out_sas.at(1).sequence, 1u);
  // IPv6 header, SRH of one segment, since the first one is in the header alone.
  EXPECT_EQ(tables_->out_sas.at(1).octets, 40 + 8 + 16 + 20 + 30u);
}

TEST_F(SealFastPath, WhatIsUnusual) {
  Octets options = packet();
  options[0] = 0x46;
  EXPECT_EQ(fast({test::with_ipv4_sum(options)}), 0u);
  Octets wrong = packet();
  wrong[10] ^= 1;
  EXPECT_EQ(
      fast({wrong, packet(kAtB, 30, 0), packet(kAtB, 30, 1), packet(kAtD), packet(kAtE), packet(kAtF), packet(kOnLan)}),
      0u);
  for (const char* martian : {"00000000", "7f000001", "e0000001", "ffffffff", "a9fe0001", "0a010001", "0a0100ff"})
    EXPECT_EQ(fast({packet(), packet(kAtB, 30, 64, 0, martian), packet(kAtB, 30, 64, 0, martian)}), 1u) << martian;
  EXPECT_EQ(tables_->out_sas.at(0).sequence, 7u);
}

TEST_F(SealFastPath, WhatCameAnotherWay) {
  EXPECT_EQ(fast({packet()}, kLan.with(Side::unprotected_side)), 0u);
  EXPECT_EQ(fast({packet()}, kLan.with(Side::either_side)), 0u);
  for (const auto& [adj, carried] : {std::pair{AdjId<V4>(0), wire::Ecn::not_ect},
                                     {AdjId<V4>::none(), wire::Ecn::ce},
                                     {AdjId<V4>::none(), wire::Ecn::not_ect}}) {
    Burst<stage::Ip4> in;
    test::receive_ip4(source_, std::vector<Octets>{packet()}, in, kLan);
    Burst<stage::Unresolved> waits;
    const Row<stage::Ip4> row{.from = kLan, .adj = adj, .carried = carried};
    in.drain([&, a = adj](Packet<stage::Ip4> p, const Row<stage::Ip4>&) -> Done {
      return Gate::unresolved(std::move(p), row, a, waits);
    });
    Burst<stage::Made> made;
    resume(waits, in, made);
    ASSERT_EQ(in.size(), 1u);
    EXPECT_EQ(fast_of(in, {packet()}), adj.is_none() && carried == wire::Ecn::not_ect ? 1u : 0u);
  }
}

// RFC 4303 section 3.3.3: a number is never used twice, and what cannot be sealed takes none.
TEST_F(SealFastPath, Duty08_WhereNumbersEnd) {
  tables_->out_sas.at(0).limit = 2;
  EXPECT_EQ(fast({packet(), packet(), packet(), packet()}), 2u);
  EXPECT_EQ(tables_->out_sas.at(0).sequence, 2u);
  EXPECT_EQ(tables_->out_sas.at(0).packets, 2u);
}

TEST_F(SealFastPath, WhereItsWayDoesNotTakeIt) {
  const std::uint16_t mtu = tables_->policies[PolicyId(0)].way().mtu;
  EXPECT_EQ(fast({packet(kAtB, mtu - 20), packet(kAtB, mtu - 19U)}), 1u);
  const AdjId<V4> way = tables_->policies[PolicyId(0)].way().adj;
  tables_->adjacencies.at(way).resolved = false;
  EXPECT_EQ(fast({packet()}), 0u);
  tables_->adjacencies.at(way).resolved = true;
  EXPECT_EQ(fast({packet()}), 1u);
  tables_->out_sas.at(0).adj = AdjId<V4>::none();
  EXPECT_EQ(fast({packet()}), 0u);
}

TEST_F(SealFastPath, WhatAnotherWorkerSeals) {
  refused_ = OutSaId(0);
  EXPECT_EQ(fast({packet(), packet(kAtC), packet(), packet(kAtC)}), 2u);
  EXPECT_EQ(tables_->out_sas.at(0).sequence, 0u);
}

// What one that goes another way leaves behind is looked at again: of the same route too.
TEST_F(SealFastPath, BehindOneThatTurnedOff) {
  const Octets ends = packet(kAtB, 30, 1);
  EXPECT_EQ(fast({packet(), packet(), ends, packet(), packet(kAtC)}), 4u);
  EXPECT_EQ(fast({packet(), packet(), ends, packet(), packet(kAtC)}, kLan, [this] { may_seal_ = false; }), 2u);
}

// --- beside the steps -----------------------------------------------------------------------------------------------

// Two gateways that get the same frames; one goes from burst to burst.
class SealBothWays : public testing::Test {
 protected:
  static Octets frame(const Octets& ip4) { return test::ethernet("020000000102", 0x0800, ip4); }

  void expect_same(const std::vector<Octets>& packets, const std::string& what) {
    std::vector<Octets> frames;
    for (const Octets& ip4 : packets) frames.push_back(frame(ip4));
    straight_.turn(1, frames);
    stepwise_.turn_step_by_step(1, frames);
    for (const std::size_t port : {0U, 1U}) {
      const std::vector<Octets> sent = straight_.newly_sent(port);
      ASSERT_EQ(sent, stepwise_.newly_sent(port)) << what << ", port " << port;
      sent_ += sent.size();
    }
  }
  // Twice, between packets as most are.
  void expect_same(const Octets& ip4, const std::string& what) {
    expect_same(std::vector<Octets>{packet(), packet(), ip4, ip4, packet(kAtC), packet()}, what);
  }

  // All that they count, too.
  test::Outcome finish() {
    for (std::size_t step = 0; step < kStepNames.size(); ++step)
      EXPECT_EQ(straight_.worker().steps().of(static_cast<Step>(step)),
                stepwise_.worker().steps().of(static_cast<Step>(step)))
          << kStepNames[step];
    EXPECT_EQ(straight_.worker().audit().ecn_anomalies(), stepwise_.worker().audit().ecn_anomalies());
    test::Outcome outcome = straight_.finish();
    test::expect_same(outcome, stepwise_.finish());
    EXPECT_GT(sent_, 0u);
    return outcome;
  }

  test::Gateway straight_{config_of_all(), 511};
  test::Gateway stepwise_{config_of_all(), 511};
  std::size_t sent_ = 0;
};

TEST_F(SealBothWays, EachBitOfTheHeader) {
  for (const char* to : {kAtB, kAtC}) {
    for (std::size_t bit = 0; bit < 8 * 28; ++bit) {
      Octets ip4 = packet(to);
      ip4[bit / 8] = static_cast<std::uint8_t>(ip4[bit / 8] ^ 1U << (bit % 8));
      const std::string what = "octet " + std::to_string(bit / 8) + ", bit " + std::to_string(bit % 8);
      expect_same(ip4, what);
      expect_same(test::with_ipv4_sum(ip4), what + ", sum right");
    }
  }
  const test::Outcome outcome = finish();
  for (const Cause cause : {Cause::ip4_bad_checksum, Cause::ip4_bad_version, Cause::ip4_truncated,
                            Cause::ip4_martian_source, Cause::ip4_no_route})
    EXPECT_GT(outcome.count(cause), 0u) << text_of(cause).name;
}

TEST_F(SealBothWays, EachLengthAndPaddingBehindIt) {
  for (const char* to : {kAtB, kAtC}) {
    for (std::size_t size = 0; size < 70; ++size) {
      expect_same(packet(to, size), std::to_string(size));
      for (const unsigned protocol : {1U, 6U, 17U}) {
        Octets ip4 = packet(to, size, 64, 0, kHost, static_cast<std::uint8_t>(protocol));
        ip4.resize(ip4.size() + size % 7, 0xee);  // Ethernet padding
        expect_same(ip4, std::to_string(size) + " padded");
      }
    }
    for (std::size_t size = 1300; size < 1480; ++size) {
      expect_same(packet(to, size), std::to_string(size));
      expect_same(packet(to, size, 64, 0, kHost, 17, 0), std::to_string(size) + ", may be cut");
    }
  }
  EXPECT_GT(finish().count(Cause::ip4_too_big), 0u);
}

TEST_F(SealBothWays, EachTosTtlAndProtocol) {
  for (unsigned i = 0; i < 256; ++i) {
    const auto octet = static_cast<std::uint8_t>(i);
    for (const char* to : {kAtB, kAtC}) {
      expect_same(packet(to, 30, 64, octet), "TOS " + std::to_string(i));
      expect_same(packet(to, 30, octet), "TTL " + std::to_string(i));
      expect_same(packet(to, 30, 64, 0, kHost, octet), "protocol " + std::to_string(i));
    }
  }
  for (const unsigned fragment : {0x0000U, 0x2000U, 0x2001U, 0x0001U, 0x1fffU, 0x4000U, 0x8000U})
    for (const char* to : {kAtB, kAtC})
      expect_same(packet(to, 30, 64, 0, kHost, 6, static_cast<std::uint16_t>(fragment)),
                  "fragment " + std::to_string(fragment));
  finish();
}

// RFC 9293 section 3.7.1: SYNs into a policy that keeps the MSS, and into one that does not.
TEST_F(SealBothWays, SynsWithAnMss) {
  for (const unsigned mss : {500U, 1300U, 1400U, 1460U}) {
    Octets tcp = test::from_hex("1234 0050 00000001 00000000 6002 ffff 0000 0000 0204 0000");
    test::put16(tcp, 22, mss);
    for (const char* to : {kAtB, kAtC}) expect_same(test::ipv4({kHost, to, 6}, tcp), std::to_string(mss));
  }
  finish();
}

// What is cut, answered, waits, goes elsewhere or is wrong among those that are sealed, in every order.
TEST_F(SealBothWays, OtherWaysInTurns) {
  const Octets ways[] = {packet(),
                         packet(kAtC),
                         packet(kAtB, 1450, 64, 0, kHost, 17, 0),
                         packet(kAtB, 30, 1),
                         packet(kAtD),
                         packet(kAtE),
                         packet(kAtF),
                         packet(kOnLan),
                         packet("0a010001", 30, 64, 0, kHost, 1),
                         packet("08080808")};
  for (std::size_t i = 0; i < 1000; ++i)
    expect_same({ways[0], ways[i % 10], ways[1], ways[i / 10 % 10], ways[i / 100], ways[0], ways[1]},
                "turn " + std::to_string(i));
  const test::Outcome outcome = finish();
  EXPECT_GT(outcome.count(Cause::ip4_ttl_exceeded), 0u);
  EXPECT_GT(outcome.count(Cause::ip4_no_route), 0u);
  EXPECT_GT(outcome.count(Cause::policy_no_sa), 0u);
}

// A packet that lies too near to either end of its buffer takes the steps, which move it in there.
TEST_F(SealBothWays, BuffersWithoutRoom) {
  constexpr std::uint16_t kRoom = 256;
  test::Gateway straight(config_of_all(), 511, kRoom);
  test::Gateway stepwise(config_of_all(), 511, kRoom);
  std::size_t sent = 0;
  for (std::size_t size = 0; size <= kRoom - 14 - 20; ++size) {
    const std::vector<Octets> frames = {frame(packet(kAtB, size)), frame(packet(kAtF, size)),
                                        frame(packet(kAtB, size))};
    straight.turn(1, frames);
    stepwise.turn_step_by_step(1, frames);
    const std::vector<Octets> news = straight.newly_sent(0);
    ASSERT_EQ(news, stepwise.newly_sent(0)) << size;
    sent += news.size();
  }
  const test::Outcome outcome = straight.finish();
  test::expect_same(outcome, stepwise.finish());
  EXPECT_EQ(sent + outcome.count(Cause::tx_no_room), 3 * 223u);
  EXPECT_GT(outcome.count(Cause::tx_no_room), 0u);
}

}  // namespace
}  // namespace strata
