// The lifetimes of SAs: by time, octets and packets, told at the soft limit, over at the hard one, in both directions.
#include "control/lifetimes.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "control/build.hpp"
#include "tests/unit/config_sample.hpp"
#include "tests/unit/dataplane_env.hpp"

namespace strata {
namespace {

using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

// The sample's SAs from-b and to-b, one of them with a lifetime.
class Scene {
 public:
  explicit Scene(const std::string& lifetime, const std::string& of) : config_(config::parsed(text_of(lifetime, of))) {
    test::start_dataplane();
    Built built = std::move(build(config_, kMacs).value());
    tables_ = std::move(built.tables);
    places_ = std::move(built.places);
    std::ranges::fill(places_.since, kStart);
    lifetimes_.emplace(config_, places_, *tables_);
  }
  // Another configuration takes the place of this one: the same SAs with another lifetime, and one that stands before.
  void reload(const std::string& lifetime, const std::string& of) {
    std::string text = text_of(lifetime, of);
    text.insert(text.find("    - name: from-b"), kAnother);
    config::Config config = config::parsed(text);
    Rebuilt next = std::move(rebuild(config, kMacs, {config_, *tables_, places_, gone_windows_}).value());
    ASSERT_TRUE(next.gone_sas.empty());
    Lifetimes lifetimes(config, next.places, *next.tables, &*lifetimes_);
    lifetimes_ = std::move(lifetimes);
    config_ = std::move(config);  // its SAs stay where they are
    tables_ = std::move(next.tables);
    places_ = std::move(next.places);
  }

  OutboundSa& out() { return tables_->out_sas.at(0); }
  InboundSa& in() { return tables_->sas.at(0); }
  bool in_is_over() {
    return tables_->spis.find({0x1001, *wire::parse_ipv4("192.0.2.1")})->udp_port == SpiEntry::kExpired;
  }
  Lifetimes& lifetimes() { return *lifetimes_; }
  Lines look(std::chrono::nanoseconds since = 0s) {
    Lines lines;
    for (const Expiry& expiry : lifetimes_->look(kStart + since)) lines.push_back(to_string(expiry));
    return lines;
  }
  Lifetimes::Life life(std::chrono::nanoseconds since) const {
    for (const config::SecurityAssociation& sa : config_.security_associations)
      if (const auto life = lifetimes_->life_of(sa, kStart + since)) return *life;
    return {};
  }

 private:
  static constexpr Lifetimes::Clock::time_point kStart{1h};
  static inline const std::vector<wire::MacAddress> kMacs{{{2, 0, 0, 0, 1, 1}}, {{2, 0, 0, 0, 1, 2}}};
  static constexpr std::string_view kAnother = R"(    - name: from-c
      direction: in
      spi: 0x1003
      source: 192.0.2.3
      destination: 192.0.2.1
      algorithm: aes-128-gcm
      key: "hex:5152535455565758595a5b5c5d5e5f6061626364"
      selectors: {source: "fc00:3::/48", destination: "fc00:1::/48"}
)";

  static std::string text_of(const std::string& lifetime, const std::string& of) {
    if (lifetime.empty()) return config::changed("    - name: from-b", "    - name: from-b");
    return config::changed("    - name: " + of + "\n      direction",
                           "    - name: " + of + "\n      lifetime: " + lifetime + "\n      direction");
  }
  config::Config config_;
  std::unique_ptr<Tables> tables_;
  Places places_;
  GoneWindows gone_windows_ = *GoneWindows::create();
  std::optional<Lifetimes> lifetimes_;
};

TEST(Lifetimes, WithoutOneThereIsNothingToLookAt) {
  Scene scene("", "");
  EXPECT_TRUE(scene.lifetimes().empty());
  EXPECT_EQ(scene.look(std::chrono::hours(24 * 365)), Lines{});
  EXPECT_EQ(scene.out().limit, scene.out().last_number());
}

TEST(Lifetimes, Duty31_SoftIsToldOnceAndChangesNothing) {
  Scene scene("{soft: {packets: 10}}", "to-b");
  scene.out().sequence = 9;
  EXPECT_EQ(scene.look(), Lines{});
  scene.out().sequence = 10;
  EXPECT_EQ(scene.look(), Lines{"SA to-b: its soft lifetime is over (10 of 10 packets); it is due for a new key"});
  EXPECT_EQ(scene.look(), Lines{});
  EXPECT_FALSE(scene.out().stopped());
}

// To the packet, whenever it is looked at.
TEST(Lifetimes, Duty31_HardPacketsAreTheLastNumber) {
  Scene scene("{hard: {packets: 10}}", "to-b");
  EXPECT_EQ(scene.out().limit, 10u);
  scene.out().sequence = 10;
  EXPECT_TRUE(scene.out().stopped());
  EXPECT_EQ(scene.look(),
            Lines{"SA to-b: its hard lifetime is over (10 of 10 packets), and it carries nothing any more "
                  "(esp.expired); give it a new key"});
  EXPECT_EQ(scene.look(), Lines{});
}

TEST(Lifetimes, Duty31_HardTimeAndOctetsStopAnOutboundSa) {
  for (const bool by_time : {false, true}) {
    Scene scene(by_time ? "{hard: {seconds: 60}}" : "{hard: {bytes: 1000}}", "to-b");
    scene.out().sequence = 5;
    scene.out().octets = 999;
    EXPECT_EQ(scene.look(59s), Lines{});
    EXPECT_FALSE(scene.out().stopped());
    scene.out().octets = 1200;
    EXPECT_EQ(scene.look(61s), Lines{std::string("SA to-b: its hard lifetime is over (") +
                                     (by_time ? "61 of 60 seconds" : "1200 of 1000 bytes") +
                                     "), and it carries nothing any more (esp.expired); give it a new key"});
    EXPECT_TRUE(scene.out().stopped());
  }
}

TEST(Lifetimes, Duty31_AnInboundSaEndsByEachOfThem) {
  for (const std::string limit : {"packets: 7", "bytes: 700", "seconds: 3"}) {
    Scene scene("{hard: {" + limit + "}}", "from-b");
    scene.in().packets = 6;
    scene.in().octets = 699;
    EXPECT_EQ(scene.look(2s), Lines{});
    EXPECT_FALSE(scene.in_is_over());
    scene.in().packets = 7;
    scene.in().octets = 700;
    EXPECT_EQ(scene.look(3s).size(), 1u);
    EXPECT_TRUE(scene.in_is_over());
  }
}

TEST(Lifetimes, Duty31_TheStateIsThatOfRfc2367) {
  Scene scene("{soft: {seconds: 50, packets: 9}, hard: {seconds: 60}}", "to-b");
  EXPECT_EQ(scene.life(49s).state, LifeState::mature);
  scene.look(50s);
  EXPECT_EQ(scene.life(50s).state, LifeState::dying);
  scene.out().sequence = 9;
  EXPECT_EQ(scene.look(51s), Lines{}) << "another soft limit tells nothing new";
  scene.look(60s);
  const Lifetimes::Life life = scene.life(60s);
  EXPECT_EQ(life.state, LifeState::dead);
  EXPECT_EQ(life.age.seconds, 60u);
  EXPECT_EQ(life.age.packets, 9u);
}

// Who waits for a disk may have worked out a new limit before the end, and set it after.
TEST(Lifetimes, Duty31_ALimitThatIsMovedOnTooLateIsTakenBack) {
  Scene scene("{hard: {seconds: 60}}", "to-b");
  scene.look(60s);
  scene.out().limit = 1'000'000;
  EXPECT_EQ(scene.look(60s), Lines{});
  EXPECT_TRUE(scene.out().stopped());
}

// Of a start before: the key's life, not the process's.
TEST(Lifetimes, WhatTheKeyCarriedBeforeCounts) {
  Scene scene("{soft: {seconds: 50}, hard: {bytes: 1000}}", "to-b");
  scene.lifetimes().add_before({{.seconds = 49, .octets = 900}});
  scene.out().octets = 99;
  EXPECT_EQ(scene.look(0s), Lines{});
  EXPECT_EQ(scene.look(1s).size(), 1u);
  scene.out().octets = 100;
  EXPECT_EQ(scene.look(1s).size(), 1u);
  EXPECT_TRUE(scene.out().stopped());
}

TEST(Lifetimes, AReloadTellsNothingTwice) {
  const std::string lifetime = "{soft: {seconds: 50}, hard: {seconds: 60}}";
  Scene scene(lifetime, "to-b");
  EXPECT_EQ(scene.look(50s).size(), 1u);
  scene.reload(lifetime, "to-b");
  EXPECT_EQ(scene.look(59s), Lines{});
  EXPECT_EQ(scene.life(59s).state, LifeState::dying);
  EXPECT_EQ(scene.life(59s).age.seconds, 59u);
  EXPECT_EQ(scene.look(60s).size(), 1u);
}

// From the first packet on that meets the new tables.
TEST(Lifetimes, WhatIsOverStaysOverInAReload) {
  for (const std::string of : {"from-b", "to-b"}) {
    const std::string lifetime = "{hard: {seconds: 60}}";
    Scene scene(lifetime, of);
    EXPECT_EQ(scene.look(60s).size(), 1u);
    scene.reload(lifetime, of);
    EXPECT_EQ(scene.in_is_over(), of == "from-b");
    EXPECT_EQ(scene.out().stopped(), of == "to-b");
    EXPECT_EQ(scene.look(61s), Lines{}) << "nor is it told again";
  }
}

TEST(Lifetimes, AReloadThatPutsItOffLetsTheSaGoOn) {
  Scene in("{hard: {packets: 7}}", "from-b");
  in.in().packets = 7;
  EXPECT_EQ(in.look().size(), 1u);
  in.reload("{hard: {packets: 9}}", "from-b");
  EXPECT_FALSE(in.in_is_over());
  EXPECT_EQ(in.look(), Lines{});
  in.in().packets = 9;
  EXPECT_EQ(in.look().size(), 1u) << "what it had carried counts on";
  Scene out("{hard: {packets: 7}}", "to-b");
  out.out().sequence = 7;
  EXPECT_EQ(out.look().size(), 1u);
  EXPECT_EQ(out.out().last, 0u);
  out.reload("{hard: {packets: 9}}", "to-b");
  EXPECT_EQ(out.out().last, 9u);
  EXPECT_EQ(out.look(), Lines{});
  EXPECT_EQ(out.life(0s).state, LifeState::mature);
  out.reload("", "");
  EXPECT_EQ(out.out().last, out.out().last_number());
}

TEST(Lifetimes, AReloadThatIsStricterEndsWhatHasCarriedTooMuch) {
  Scene scene("", "");
  scene.out().sequence = 5;
  scene.reload("{hard: {packets: 5}}", "to-b");
  EXPECT_TRUE(scene.out().stopped()) << "no packet passes until somebody looks";
  EXPECT_EQ(scene.look(), Lines{"SA to-b: its hard lifetime is over (5 of 5 packets), and it carries nothing any more "
                                "(esp.expired); give it a new key"});
}

}  // namespace
}  // namespace strata
