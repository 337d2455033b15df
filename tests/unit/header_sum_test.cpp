// Whether the checksum of an outer IPv4 header is looked at: always, unless the device that received it says it is
// right and was told to look, and then of ESP alone.
#include <gtest/gtest.h>

#include "config/parser.hpp"
#include "control/build.hpp"
#include "dataplane/worker.hpp"
#include "tests/unit/dataplane_env.hpp"
#include "tests/unit/hex.hpp"

namespace strata {
namespace {

// Every octet of the mbuf's flags: RTE_MBUF_F_RX_IP_CKSUM_GOOD (1 << 7) alone, _BAD (1 << 4) alone, both, none.
constexpr Poison kGood{0x80};
constexpr Poison kBad{0x10};
constexpr Poison kBoth{0x90};
constexpr Poison kNone{0x00};
// GOOD, and RTE_MBUF_F_RX_OUTER_IP_CKSUM_BAD (1 << 5): of a tunnel that the device looked into.
constexpr Poison kOuterBad{0xa0};

constexpr const char* kEsp = "32";
constexpr const char* kIcmp = "01";

// To the gateway, 10.1.0.2 to 10.1.0.1, with a right checksum or a wrong one: an echo request, or ESP with that SPI.
test::Octets packet(bool right, const char* protocol) {
  test::Octets frame = test::from_hex(std::string("020000000001 020000000002 0800"
                                                  "4500001c 00000000 40") +
                                      protocol + "0000 0a010002 0a010001 0800 f7ff 0000 0000");
  const std::uint16_t sum = wire::checksum({&frame[14], 20});
  wire::store_be16(&frame[24], right ? sum : static_cast<std::uint16_t>(sum ^ 1));
  return frame;
}

class HeaderSumTest : public testing::Test {
 protected:
  HeaderSumTest() : pool_(test::make_pool(255)), port_(test::make_port(pool_)) {
    const auto config = config::parse_text(
        "ports:\n"
        "  lan: {device: net_ring0, mac: '02:00:00:00:00:01', addresses: [10.1.0.1/24]}\n"
        "neighbors: [{port: lan, address: 10.1.0.2, mac: '02:00:00:00:00:02'}]\n",
        "test.yaml");
    tables_ = std::move(build_tables(config.value(), {config->ports[0].mac.value()}).value());
    worker_ = std::move(Worker::create(*tables_, {port_.device()}, pool_).value());
  }
  // How many packets passed, of one with a right sum and one with a wrong one.
  std::uint64_t passed(Poison flags, const char* protocol = kEsp) {
    const std::uint64_t before = worker_->ends().count(Cause::ip4_bad_checksum);
    for (const bool right : {true, false}) EXPECT_NE(port_.feed(pool_, packet(right, protocol), flags), nullptr);
    NoEye eye;
    worker_->turn(PortId(0), 0, kBurstSize, 1, eye);
    port_.collect([](const void*, std::span<const std::uint8_t>) {});
    return 2 - (worker_->ends().count(Cause::ip4_bad_checksum) - before);
  }

  Pool pool_;
  RingPort port_;
  std::unique_ptr<Tables> tables_;
  std::unique_ptr<Worker> worker_;
};

TEST_F(HeaderSumTest, FlagsOfADeviceThatWasNotAskedMeanNothing) {
  for (const Poison flags : {kNone, kGood, kBad, kBoth}) EXPECT_EQ(passed(flags), 1u);
  EXPECT_EQ(worker_->ends().count(Cause::esp_no_sa), 4u);
}

TEST_F(HeaderSumTest, ADeviceThatWasAskedIsBelievedWhatIsRight) {
  worker_->believe_header_sums(PortId(0));
  EXPECT_EQ(passed(kGood), 2u);
  EXPECT_EQ(worker_->ends().count(Cause::esp_no_sa), 2u);
}

// ESP has an ICV, nothing else has.
TEST_F(HeaderSumTest, WhatIsNotEspIsLookedAt) {
  worker_->believe_header_sums(PortId(0));
  EXPECT_EQ(passed(kGood, kIcmp), 1u);
  EXPECT_EQ(worker_->sent(PortId(0)), 1u);
}

TEST_F(HeaderSumTest, WhatItDoesNotSayIsRightIsLookedAt) {
  worker_->believe_header_sums(PortId(0));
  for (const Poison flags : {kNone, kBad, kBoth, kOuterBad}) EXPECT_EQ(passed(flags), 1u);
  EXPECT_EQ(worker_->ends().count(Cause::esp_no_sa), 4u);
}

}  // namespace
}  // namespace strata
