// What becomes of a packet on the fast path is what the steps make of it one by one.
#include "dataplane/stage/dx4_fast_path.hpp"

#include <gtest/gtest.h>

#include "tests/unit/frames.hpp"
#include "tests/unit/gateway.hpp"
#include "tests/unit/packets.hpp"

namespace strata {
namespace {

using test::Octets;

constexpr std::string_view kConfig = R"(
ports:
  wan: {device: net_null0, mac: "02:00:00:00:01:01", addresses: [192.0.2.1/24], side: unprotected, mtu: 2000}
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
    - name: from-c
      direction: in
      spi: 0x1002
      source: 192.0.2.2
      destination: 192.0.2.1
      udp_encap: {source_port: 4500, destination_port: 4500}
      algorithm: aes-128-gcm
      key: "hex:0102030405060708090a0b0c0d0e0f1011121315"
      selectors: {source: "fc00:3::/48", destination: "fc00:1::/48", protocol: 4}
srv6:
  source: "fc00:1::1"
  local_sids:
    - {sid: "fc00:1::d4/128", behavior: End.DX4, next_hop: 10.1.0.2, port: lan}
    - {sid: "fc00:1::d5/128", behavior: End.DX4, next_hop: 10.1.0.3, port: lan}
)";

constexpr const char* kPeer = "fc000002000000000000000000000001";
constexpr const char* kOtherPeer = "fc000002000000000000000000000002";
constexpr const char* kPeerOfOneProtocol = "fc000003000000000000000000000001";
constexpr const char* kSid = "fc0000010000000000000000000000d4";
constexpr const char* kSilentSid = "fc0000010000000000000000000000d5";  // nobody knows its next hop's MAC address
constexpr std::size_t kIp6 = 40;

config::Config config_of_both() { return test::config_of(std::string(kConfig)); }

Octets inner(std::size_t payload = 30, std::uint8_t ttl = 64, std::uint8_t tos = 0, const char* source = "0a020005",
             const char* destination = "0a010005") {
  return test::ipv4({source, destination, 17, tos, ttl, 0x1234}, test::counted(payload));
}
Octets usual(const Octets& ip4 = inner()) { return test::ipv6(kPeer, kSid, 4, ip4); }

// As it stands in an ESP packet that is decrypted: SPI, number and IV before it, trailer and ICV behind it.
Octets in_esp(const Octets& ip6, std::size_t tfc = 0, std::size_t extra = 0) {
  return test::join(Octets(kEspTextOffset, 0xee), test::with_trailer(ip6, 41, tfc, extra), Octets(kIcvLength, 0xee));
}

// The sum of the inner IPv4 header made right.
Octets with_sum(const Octets& ip6) { return test::with_ipv4_sum(ip6, kIp6); }

// --- which packets take it ------------------------------------------------------------------------------------------

class Dx4FastPath : public testing::Test {
 protected:
  Dx4FastPath() {
    config::Config config = config_of_both();
    tables_ = std::move(build_tables(config, {config.ports[0].mac.value(), config.ports[1].mac.value()}).value());
    neighbors_.emplace(std::move(Neighbors::create(tables_->adjacencies, tables_->neighbors).value()));
    counters_ = SidCounters(tables_->sids.size());
    const Octets packet = usual();
    sid_ = tables_->sids.find(&packet[24]);
    let_in(tables_->number, sid_, tables_->sids[sid_].adj);
  }

  // As if the first SA's last packet had come to it.
  void let_in(std::uint64_t tables, SidId sid, AdjId<V4> cross_connect) {
    tables_->sas[0].last_sid.note(&usual()[8], tables, sid, cross_connect);
  }

  // How many of these, out of the first SA, took it; the others went on to be unwrapped as they came.
  std::size_t fast(const std::vector<Octets>& packets, wire::Ecn carried = wire::Ecn::not_ect, SaId from = SaId(0)) {
    std::vector<Octets> esp;
    for (const Octets& packet : packets) esp.push_back(in_esp(packet));
    return fast_esp(esp, carried, from);
  }
  std::size_t fast_esp(const std::vector<Octets>& esp, wire::Ecn carried = wire::Ecn::not_ect, SaId from = SaId(0)) {
    Burst<stage::Decrypted> decrypted;
    decrypt(esp, from, carried, decrypted);
    Burst<stage::Decrypted> others;
    const Dx4FastPathStep<Burst<stage::Decrypted>> step(*tables_, *neighbors_, counters_, others, out_);
    decrypted.drain([&](Packet<stage::Decrypted> packet, const Row<stage::Decrypted>& row) -> Done {
      return step.input(std::move(packet), row);
    });
    const std::size_t n = out_.size();
    EXPECT_EQ(n + others.size(), esp.size());
    for (std::size_t i = 0; i < others.size(); ++i) {
      const auto place = static_cast<std::size_t>(others.row(i).from.place());
      EXPECT_EQ(test::octets_of(others, i), esp[place]) << "not as it came";
      EXPECT_EQ(others.row(i).carried, carried);
    }
    sent_.clear();
    for (std::size_t i = 0; i < n; ++i) sent_.push_back(test::octets_of(out_, i));
    test::end_all(others, source_.ends());
    test::end_all(out_, source_.ends());
    source_.ends().flush();
    return n;
  }

  void receive(const std::vector<Octets>& packets, Burst<stage::Ip6>& opened) {
    for (const Octets& packet : packets) source_.feed(packet);
    Burst<stage::Frame> frames;
    EXPECT_EQ(source_.receive(frames, test::kWan), packets.size());
    frames.drain([&](Packet<stage::Frame> frame, const Row<stage::Frame>& row) -> Done {
      return Gate::ip6(std::move(frame), row, test::kNoLink, opened);
    });
  }

  // Packets that this SA has decrypted.
  void decrypt(const std::vector<Octets>& packets, SaId sa, wire::Ecn carried, Burst<stage::Decrypted>& out) {
    for (const Octets& packet : packets) source_.feed(packet);
    Burst<stage::Frame> frames;
    EXPECT_EQ(source_.receive(frames, test::kWan), packets.size());
    Burst<stage::Host> host;
    frames.drain([&](Packet<stage::Frame> frame, const Row<stage::Frame>& row) -> Done {
      return Gate::host(std::move(frame), row, test::kNoLink, host);
    });
    Burst<stage::EspIn> esp;
    host.drain([&](Packet<stage::Host> packet, const Row<stage::Host>& row) -> Done {
      const std::size_t size = std::as_const(packet).bytes().size();
      return Gate::esp(std::move(packet), row, {0, size}, sa, {}, carried, esp);
    });
    const Octets icv(kIcvLength);
    esp.drain([&](Packet<stage::EspIn> packet, const Row<stage::EspIn>& row) -> Done {
      return Gate::decrypted(std::move(packet), row, *AeadVerdict::compare(icv.data(), icv.data()), out);
    });
  }

  test::Source source_;
  std::unique_ptr<Tables> tables_;
  std::optional<Neighbors> neighbors_;
  SidCounters counters_;
  SidId sid_ = SidId::none();
  Burst<stage::Out> out_;
  std::vector<Octets> sent_;
};

TEST_F(Dx4FastPath, WhatMostAre) {
  EXPECT_EQ(fast({usual(), usual(inner(0)), usual(inner(1400, 2)), usual(inner(30, 255))}), 4u);
  Octets expected = test::ethernet("020000000202", 0x0800, inner(30, 63));
  std::copy_n(test::from_hex("020000000102").begin(), 6, expected.begin() + 6);
  EXPECT_EQ(sent_.at(0), expected);
  EXPECT_EQ(sent_.at(1).size(), 34u);
  EXPECT_EQ(counters_[sid_.index()].packets, 4u);
  EXPECT_EQ(counters_[sid_.index()].octets, 90 + 60 + 1460 + 90u);
  EXPECT_EQ(tables_->sas[0].packets, 4u);
  EXPECT_EQ(tables_->sas[0].octets, 90 + 60 + 1460 + 90u);
  // RFC 4303 section 2.7: what follows the packet is none of it, though the SA has carried it.
  EXPECT_EQ(fast_esp({in_esp(usual(), 20)}), 1u);
  EXPECT_EQ(sent_.at(0), expected);
  EXPECT_EQ(counters_[sid_.index()].octets, 90 + 60 + 1460 + 90 + 90u);
  EXPECT_EQ(tables_->sas[0].octets, 90 + 60 + 1460 + 90 + 110u);
}

// RFC 4303 sections 2.4 and 2.6.
TEST_F(Dx4FastPath, TrailersThatAreNotAsMostAre) {
  EXPECT_EQ(fast_esp({in_esp(usual()), in_esp(usual(), 0, 1)}), 2u);
  EXPECT_EQ(fast_esp({in_esp(usual(), 0, 2), in_esp(usual(), 0, 60)}), 0u) << "long padding";
  const Octets right = in_esp(usual(), 0, 1);
  const std::size_t end = right.size() - kIcvLength;
  ASSERT_EQ(right[end - 2], 4);
  for (std::size_t bit = 8 * (end - 6); bit < 8 * end; ++bit) {
    Octets wrong = right;
    wrong[bit / 8] = static_cast<std::uint8_t>(wrong[bit / 8] ^ 1U << (bit % 8));
    // Without padding: what was padding follows the packet.
    EXPECT_EQ(fast_esp({wrong}), wrong[end - 2] == 0 ? 1u : 0u) << bit;
  }
  // No octet of the packet is left, or some that are no whole header.
  for (std::size_t text = 2; text < 70; ++text) {
    Octets esp(kEspTextOffset + text + kIcvLength, 0x01);
    esp[kEspTextOffset + text - 2] = 0;
    esp[kEspTextOffset + text - 1] = 41;
    EXPECT_EQ(fast_esp({esp}), 0u) << text;
  }
}

TEST_F(Dx4FastPath, OtherHostsInside) {
  const auto to = [](const char* source, const char* destination) {
    return usual(inner(30, 64, 0, source, destination));
  };
  EXPECT_EQ(fast({to("0a020005", "0a010005"), to("0a020006", "0a010005"), to("0a020005", "08080808")}), 3u);
  // RFC 1812 sections 5.3.7 and 5.3.5, RFC 3927 section 7; ours, and the broadcast addresses of our subnets.
  for (const char* martian : {"00000000", "7f000001", "e0000001", "ffffffff", "a9fe0001", "0a010001", "0a0100ff"}) {
    EXPECT_EQ(fast({to(martian, "0a010005")}), 0u) << martian;
    EXPECT_EQ(fast({to("0a020005", martian)}), 0u) << martian;
    EXPECT_EQ(fast({to("0a020005", martian), to("0a020005", martian)}), 0u) << martian << " twice";
    EXPECT_EQ(fast({to(martian, "0a010005"), to(martian, "0a010005")}), 0u) << martian << " twice";
    EXPECT_EQ(fast({usual(), to("0a020005", martian), to(martian, martian), usual()}), 2u) << martian;
  }
  EXPECT_EQ(fast({to("00000000", "00000000")}), 0u);
}

TEST_F(Dx4FastPath, WhatTheSaHasNotShownBefore) {
  EXPECT_EQ(fast({usual()}, wire::Ecn::not_ect, SaId(1)), 0u);
  EXPECT_EQ(fast({test::ipv6(kOtherPeer, kSid, 4, inner()), test::ipv6(kPeer, kSilentSid, 4, inner())}), 0u);
  let_in(tables_->number - 1, sid_, tables_->sids[sid_].adj);
  EXPECT_EQ(fast({usual()}), 0u);
}

TEST_F(Dx4FastPath, ASidThatIsNoCrossConnect) {
  let_in(tables_->number, sid_, AdjId<V4>::none());
  EXPECT_EQ(fast({usual()}), 0u);
}

// What local_sid lets in is what the next one needs: or nothing would ever take this path, and nobody see it.
TEST_F(Dx4FastPath, BehindOneThatLocalSidHasLetIn) {
  tables_->sas[0].last_sid = {};
  EXPECT_EQ(fast({usual()}), 0u);
  Burst<stage::Decrypted> decrypted;
  decrypt({in_esp(usual())}, SaId(0), wire::Ecn::not_ect, decrypted);
  Burst<stage::Ip6> opened;
  const EspUnwrapStep<Burst<stage::Ip6>> unwrap{tables_->sas, opened, EspOpenEnds(source_.ends())};
  drain(decrypted, unwrap);
  PathMtus path_mtus(*tables_);
  Audit audit;
  Burst<stage::Sr6> at_sid;
  local_sid(opened, *tables_, path_mtus, audit, 0, at_sid, LocalSidEnds(source_.ends()));
  ASSERT_EQ(at_sid.size(), 1u);
  test::end_all(at_sid, source_.ends());
  EXPECT_EQ(fast({usual()}), 1u);
}

// Of SAs that have let nothing in, and of one whose SID has gone, there is no counter to ask for.
TEST_F(Dx4FastPath, CountersAreAskedForOnlyWhereTheyAre) {
  config::Config config = config_of_both();
  const config::LocalSid sid = config.local_sids[0];
  for (unsigned i = 0; i < 600; ++i) {
    config.local_sids.push_back(sid);
    wire::store_be16(&config.local_sids.back().sid.address.octets[12], static_cast<std::uint16_t>(i + 1));
  }
  tables_ = std::move(build_tables(config, {config.ports[0].mac.value(), config.ports[1].mac.value()}).value());
  counters_ = SidCounters(tables_->sids.size());
  ASSERT_EQ(tables_->sids.size(), 602u);
  let_in(tables_->number, SidId(601), AdjId<V4>::none());
  ASSERT_TRUE(tables_->sas[1].last_sid.sid().is_none());
  Burst<stage::Decrypted> coming;
  decrypt({in_esp(usual())}, SaId(0), wire::Ecn::not_ect, coming);
  decrypt({in_esp(usual())}, SaId(1), wire::Ecn::not_ect, coming);
  Burst<stage::Decrypted> others;
  const Dx4FastPathStep<Burst<stage::Decrypted>> step(*tables_, *neighbors_, counters_, others, out_);
  step.ask(coming);
  counters_ = SidCounters(601);
  step.ask(coming);
  EXPECT_EQ(coming.size(), 2u);
  test::end_all(coming, source_.ends());
}

TEST_F(Dx4FastPath, ANextHopThatDoesNotTakeIt) {
  const AdjId<V4> id = tables_->sids[sid_].adj;
  Adjacency& adj = tables_->adjacencies.at(id);
  adj.mtu = 50;
  EXPECT_EQ(fast({usual(inner(30)), usual(inner(31))}), 1u);
  adj.mtu = 1500;
  adj.side = Side::unprotected_side;
  EXPECT_EQ(fast({usual()}), 0u);
  adj.side = Side::protected_side;
  EXPECT_EQ(fast({usual()}), 1u);
  adj.resolved = false;
  EXPECT_EQ(fast({usual()}), 0u);
}

TEST_F(Dx4FastPath, ATtlThatEndsHere) { EXPECT_EQ(fast({usual(inner(30, 0)), usual(inner(30, 1))}), 0u); }

TEST_F(Dx4FastPath, AWrongSumOrAnotherHeader) {
  Octets packet = usual();
  packet[kIp6 + 10] ^= 1;
  EXPECT_EQ(fast({packet}), 0u);
  EXPECT_EQ(fast({with_sum(packet)}), 1u);
  // Destination Options of padding before it; IPv4 options.
  const Octets padding = test::from_hex("0400 0104 00000000");
  EXPECT_EQ(fast({test::ipv6(kPeer, kSid, 60, test::join(padding, inner()))}), 0u);
  packet[kIp6] = 0x46;
  EXPECT_EQ(fast({with_sum(packet)}), 0u);
}

TEST_F(Dx4FastPath, EcnThatStaysAsItIs) {
  for (std::uint8_t ecn = 0; ecn < 4; ++ecn) {
    Octets packet = usual(inner(30, 64, ecn));
    packet[1] = static_cast<std::uint8_t>(ecn << 4);
    for (std::uint8_t carried = 0; carried < 4; ++carried)
      EXPECT_EQ(fast({packet}, static_cast<wire::Ecn>(carried)), carried == ecn ? 1u : 0u);
    EXPECT_EQ(fast({usual(inner(30, 64, ecn))}), 1u) << "none outside";
    EXPECT_EQ(sent_.at(0).at(14 + 1), ecn);
  }
}

// --- beside the steps -----------------------------------------------------------------------------------------------

// Two gateways that get the same frames; one goes from burst to burst.
class Dx4BothWays : public testing::Test {
 protected:
  // Sealed by an SA, in a frame for wan.
  Octets frame(const Octets& ip6, std::uint8_t outer_tos = 0, std::size_t tfc = 0, unsigned sa = 0) {
    const Octets esp = test::seal(aead_, keys_[sa], 0x1001 + sa, ++sequence_, false, test::with_trailer(ip6, 41, tfc));
    return test::ethernet("020000000101", 0x0800,
                          test::ipv4({"c0000202", "c0000201", 17, outer_tos}, test::udp(4500, 4500, esp)));
  }

  void expect_same(const std::vector<Octets>& frames, const std::string& what) {
    straight_.turn(0, frames);
    stepwise_.turn_step_by_step(0, frames);
    for (const std::size_t port : {0U, 1U}) {
      const std::vector<Octets> sent = straight_.newly_sent(port);
      ASSERT_EQ(sent, stepwise_.newly_sent(port)) << what << ", port " << port;
      sent_ += sent.size();
    }
  }
  // Twice, between packets as most are.
  void expect_same(const Octets& ip6, const std::string& what, std::uint8_t outer_tos = 0, std::size_t tfc = 0) {
    const std::vector<Octets> frames = {frame(usual()), frame(usual()), frame(ip6, outer_tos, tfc),
                                        frame(ip6, outer_tos, tfc), frame(usual())};
    expect_same(frames, what);
  }

  // All that they count, too.
  test::Outcome finish() {
    for (const Step step :
         {Step::classify, Step::host_input, Step::esp_open, Step::local_sid, Step::end_dx4, Step::ip4_forward})
      EXPECT_EQ(straight_.worker().steps().of(step), stepwise_.worker().steps().of(step));
    EXPECT_EQ(straight_.worker().audit().ecn_anomalies(), stepwise_.worker().audit().ecn_anomalies());
    test::Outcome outcome = straight_.finish();
    test::expect_same(outcome, stepwise_.finish());
    EXPECT_GT(sent_, 0u);
    return outcome;
  }

  test::Gateway straight_{config_of_both(), 511};
  test::Gateway stepwise_{config_of_both(), 511};
  Aead aead_ = *Aead::create();
  std::array<AeadKey, 2> keys_{
      AeadKey{AeadAlgorithm::aes_128_gcm, test::from_hex("0102030405060708090a0b0c0d0e0f1011121314")},
      AeadKey{AeadAlgorithm::aes_128_gcm, test::from_hex("0102030405060708090a0b0c0d0e0f1011121315")}};
  std::uint64_t sequence_ = 0;
  std::size_t sent_ = 0;
};

TEST_F(Dx4BothWays, EachBitOfBothHeaders) {
  for (std::size_t bit = 0; bit < 8 * 60; ++bit) {
    Octets packet = usual();
    packet[bit / 8] = static_cast<std::uint8_t>(packet[bit / 8] ^ 1U << (bit % 8));
    const std::string what = "octet " + std::to_string(bit / 8) + ", bit " + std::to_string(bit % 8);
    expect_same(packet, what);
    expect_same(with_sum(packet), what + ", sum right");
  }
  const test::Outcome outcome = finish();
  for (const Cause cause : {Cause::sr6_no_sid, Cause::policy_selector_mismatch, Cause::ip4_bad_checksum,
                            Cause::esp_inner_truncated, Cause::sr6_upper_layer, Cause::ip4_bad_version})
    EXPECT_GT(outcome.count(cause), 0u) << text_of(cause).name;
}

TEST_F(Dx4BothWays, EachPairOfLengths) {
  for (std::size_t payload = 0; payload < 60; payload += 3) {
    for (std::size_t total = 0; total < 60; total += 3) {
      Octets packet = usual();
      test::put16(packet, 4, payload);
      test::put16(packet, kIp6 + 2, total);
      expect_same(with_sum(packet), std::to_string(payload) + " and " + std::to_string(total), 0, payload % 2 * 8);
    }
  }
  for (const std::size_t size : {1479, 1480, 1481, 1500}) expect_same(usual(inner(size)), std::to_string(size));
  finish();
}

TEST_F(Dx4BothWays, EachEcnOfThreeHeaders) {
  for (unsigned bits = 0; bits < 64; ++bits) {
    const auto inside = static_cast<std::uint8_t>(bits & 3);
    Octets packet = usual(inner(30, 64, static_cast<std::uint8_t>(0xb8 | inside)));
    packet[1] = static_cast<std::uint8_t>((bits >> 2 & 3) << 4);
    expect_same(packet, "ECN " + std::to_string(bits), static_cast<std::uint8_t>(bits >> 4));
  }
  EXPECT_GT(finish().count(Cause::esp_ce_not_ect), 0u);
}

TEST_F(Dx4BothWays, EachTtlAndOtherHosts) {
  for (unsigned ttl = 0; ttl < 256; ++ttl) expect_same(usual(inner(30, static_cast<std::uint8_t>(ttl))), "a TTL");
  for (const char* host :
       {"00000000", "7f000001", "e0000001", "ffffffff", "a9fe0001", "0a010001", "0a0100ff", "0a010007", "08080808"}) {
    expect_same(usual(inner(30, 64, 0, host)), std::string("from ") + host);
    expect_same(usual(inner(30, 64, 0, "0a020005", host)), std::string("to ") + host);
    expect_same(usual(inner(30, 64, 0, host, host)), std::string("from and to ") + host);
  }
  EXPECT_GT(finish().count(Cause::ip4_martian_source), 0u);
}

// An SA for one protocol, a next hop that nobody knows yet, other addresses in turns.
TEST_F(Dx4BothWays, OtherWaysInTurns) {
  const Octets others[] = {test::ipv6(kOtherPeer, kSid, 4, inner()), test::ipv6(kPeer, kSilentSid, 4, inner()),
                           test::ipv6(kPeer, kSid, 41, inner()), usual()};
  for (unsigned i = 0; i < 64; ++i) {
    std::vector<Octets> frames;
    for (unsigned k = 0; k < 8; ++k) {
      if ((i + k) % 3 == 0)
        frames.push_back(frame(test::ipv6(kPeerOfOneProtocol, kSid, i % 2 == 0 ? 4 : 41, inner()), 0, 0, 1));
      else
        frames.push_back(frame(k % 2 == 0 ? others[(i >> (k / 2 * 2)) & 3] : usual()));
    }
    expect_same(frames, "turn " + std::to_string(i));
  }
  finish();
}

}  // namespace
}  // namespace strata
