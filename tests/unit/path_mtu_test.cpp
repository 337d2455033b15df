// What routers on an outbound SA's way say of its MTU: whom strata believes, what fits afterwards, and for how long.
#include "dataplane/neighbor/path_mtu.hpp"

#include <gtest/gtest.h>

#include "tests/unit/frames.hpp"
#include "tests/unit/gateway.hpp"

namespace strata {
namespace {

using test::from_hex;
using test::join;
using test::Octets;
using test::put16;

constexpr std::size_t kWan = 0;
constexpr std::size_t kLan = 1;
constexpr std::uint16_t kDontFragment = 0x4000;
constexpr std::size_t kSaid = 800;  // octets of IPv4, by a router
// What an SA in UDP puts around IPv6 (RFC 3948 section 2.1, RFC 4303 section 2): IPv4 20, UDP 8, SPI and number 8,
// IV 8, trailer 2, ICV 16; the text is whole words. IPv6 is 40.
constexpr std::size_t kFits = ((kSaid - 20 - 8 - 8 - 8 - 16) & ~std::size_t{3}) - 2 - 40;

config::Config tunnel() {
  return test::config_of(R"(
ports:
  wan: {device: a, mac: "02:00:00:00:01:01", addresses: [192.0.2.1/24, 192.0.2.7/24], side: unprotected}
  lan: {device: b, mac: "02:00:00:00:01:02", addresses: [10.1.0.1/24], side: protected}
neighbors:
  - {port: lan, address: 10.1.0.2, mac: "02:00:00:00:02:02"}
  - {port: wan, address: 192.0.2.2, mac: "02:00:00:00:02:01"}
srv6:
  source: "fc00:1::1"
  policies: [{name: p, prefixes: [10.2.0.0/24], segments: ["fc00:2::d4"]}]
ipsec:
  security_associations:
    - {name: out, direction: out, spi: 0x2000, source: 192.0.2.1, destination: 192.0.2.2,
       udp_encap: {source_port: 4500, destination_port: 4500}, algorithm: aes-128-gcm,
       key: "hex:000102030405060708090a0b0c0d0e0f10111213", selectors: {source: "fc00:1::/48", destination: "fc00:2::/48"}}
)");
}

Octets to_tunnel(std::size_t length) {
  return test::ethernet("020000000102", 0x0800,
                        test::ipv4({"0a010002", "0a020005", 253, 0, 64, 1, kDontFragment}, Octets(length - 20)));
}

// What a router says of a frame that left by the port wan.
struct Told {
  std::size_t mtu = kSaid;
  const char* to = "c0000201";
  std::size_t quoted = 20 + 8 + 8;  // octets: IPv4, UDP, SPI and sequence number
  std::size_t changed = 0;          // an octet of the quote; 0: none
  std::uint8_t by = 0;
  std::size_t port = kWan;
};

Octets too_big(const Octets& frame, const Told& told) {
  Octets quote(frame.begin() + 14, frame.begin() + 14 + static_cast<std::ptrdiff_t>(told.quoted));
  if (told.changed != 0) quote[told.changed] ^= told.by;
  Octets message = join(from_hex("0304 0000 0000 0000"), quote);
  put16(message, 6, told.mtu);
  unsigned sum = 0;
  for (std::size_t i = 0; i < message.size(); i += 2) sum += message[i] * 256U + message[i + 1];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  put16(message, 2, ~sum);
  const char* const mac = told.port == kWan ? "020000000101" : "020000000102";
  return test::ethernet(mac, 0x0800, test::ipv4({"c6336401", told.to, 1}, message));
}

class PathMtu : public testing::Test {
 protected:
  // The frames that leave by a port when one comes to another.
  std::vector<Octets> turn(std::size_t port, const Octets& frame, std::size_t out,
                           std::uint64_t now_ns = test::Gateway::kStart) {
    gateway_.turn_at(now_ns, port, std::vector<Octets>{frame});
    return gateway_.newly_sent(out);
  }
  // Octets of the outer IPv4 packet; 0: it does not fit, and its sender is told what does.
  std::size_t sealed(std::size_t length, std::uint64_t now_ns = test::Gateway::kStart) {
    const std::vector<Octets> sent = turn(kLan, to_tunnel(length), kWan, now_ns);
    return sent.empty() ? 0 : sent.front().size() - 14;
  }
  std::size_t told_to_sender() {
    const std::vector<Octets> sent = gateway_.newly_sent(kLan);
    if (sent.empty() || sent.back()[34] != 3 || sent.back()[35] != 4) return 0;
    return wire::load_be16(&sent.back()[40]);
  }

  void TearDown() override { gateway_.finish(); }

  test::Gateway gateway_{tunnel()};
};

TEST_F(PathMtu, Duty69_IsBelievedFromWhoQuotesWhatWasSent) {
  const Octets sent = turn(kLan, to_tunnel(1000), kWan).at(0);
  EXPECT_TRUE(turn(kWan, too_big(sent, {}), kLan).empty());
  EXPECT_EQ(sealed(kFits + 1), 0u);
  EXPECT_EQ(told_to_sender(), kFits);
  const std::size_t outer = sealed(kFits);
  EXPECT_GT(outer, kSaid - 4);
  EXPECT_LE(outer, kSaid);
}

TEST_F(PathMtu, Duty69_IsNotBelievedFromWhoGuesses) {
  const Octets sent = turn(kLan, to_tunnel(1000), kWan).at(0);
  const std::pair<const char*, Told> kGuesses[] = {
      {"less than every host takes", {.mtu = 575}},
      {"as much as was sent", {.mtu = sent.size() - 14}},
      {"of a packet longer than the link takes", {.changed = 2, .by = 0x10}},
      {"by a protected port", {.port = kLan}},
      {"to another address of ours", {.to = "c0000207"}},
      {"no SPI", {.quoted = 20 + 8}},
      {"no ports", {.quoted = 20 + 4}},
      {"another SPI", {.changed = 31, .by = 1}},
      {"a number that is to come", {.changed = 35, .by = 0x40}},
      {"another port", {.changed = 21, .by = 1}},
      {"from elsewhere", {.changed = 15, .by = 2}},
      {"from another address of ours", {.to = "c0000207", .changed = 15, .by = 6}},
      {"to another peer", {.changed = 19, .by = 7}},
      {"of TCP", {.changed = 9, .by = 17 ^ 6}},
      {"that might be cut", {.changed = 6, .by = 0x40}},
  };
  for (const auto& [what, told] : kGuesses) {
    (void)turn(told.port, too_big(sent, told), kLan);
    EXPECT_GT(sealed(1300), 1300u) << what;
  }
  // One that is believed would have been all the time.
  (void)turn(kWan, too_big(sent, {}), kLan);
  EXPECT_EQ(sealed(1300), 0u);
}

// An answer comes within a round trip.
TEST_F(PathMtu, Duty69_IsNotBelievedLongAfterwards) {
  const Octets sent = turn(kLan, to_tunnel(1000), kWan).at(0);
  gateway_.out_sa().sequence = gateway_.out_sa().sequence + (std::uint64_t{1} << 22);
  (void)turn(kWan, too_big(sent, {}), kLan);
  EXPECT_GT(sealed(1300), 1300u);
}

// RFC 1191 section 6.3.
TEST_F(PathMtu, Duty69_IsTriedAgainAfterTenMinutes) {
  const Octets sent = turn(kLan, to_tunnel(1000), kWan).at(0);
  (void)turn(kWan, too_big(sent, {}), kLan);
  const std::uint64_t due = test::Gateway::kStart + PathMtus::kLifetimeNs;
  EXPECT_EQ(sealed(1000, due - 1), 0u);
  gateway_.tick(due);
  EXPECT_GT(sealed(1000, due), kSaid);
}

TEST_F(PathMtu, IsTakenOverIntoOtherTables) {
  const Octets sent = turn(kLan, to_tunnel(1000), kWan).at(0);
  (void)turn(kWan, too_big(sent, {}), kLan);
  const std::vector<wire::MacAddress> macs{*wire::parse_mac("02:00:00:00:01:01"),
                                           *wire::parse_mac("02:00:00:00:01:02")};
  const auto tables = std::move(build_tables(tunnel(), macs).value());
  const PolicyId id(0);
  const std::uint16_t configured = tables->policies[id].way().mtu;
  PathMtus next(*tables);
  next.carry_over(gateway_.worker().path_mtus(), std::vector{std::pair(id, id)});
  EXPECT_EQ(tables->policies[id].way().mtu, kFits);
  EXPECT_EQ(next.next_due(), test::Gateway::kStart + PathMtus::kLifetimeNs);
  next.expire(next.next_due());
  EXPECT_EQ(tables->policies[id].way().mtu, configured);
}

}  // namespace
}  // namespace strata
