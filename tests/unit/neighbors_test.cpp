// Neighbors: who is asked for its MAC address, how often and when, and who is forgotten.
#include <gtest/gtest.h>

#include <map>

#include "dataplane/neighbor/neighbors.hpp"
#include "tests/unit/dataplane_env.hpp"

namespace strata {
namespace {

using test::Octets;
using What = Neighbors::What;

constexpr std::uint64_t kNever = UINT64_MAX;
constexpr PortId kWanPort(0);
constexpr PortId kLanPort(1);
constexpr wire::Ipv4Address kStatic{0xc0000202};
constexpr wire::Ipv4Address kAsked{0xc0000203};
constexpr wire::Ipv4Address kLearned{0xc0000207};
constexpr wire::Ipv4Address kOther{0xc0000208};
constexpr wire::MacAddress kMac{{2, 0, 0, 0, 0, 0x0a}};
constexpr wire::MacAddress kOtherMac{{2, 0, 0, 0, 0, 0x0b}};

// The link header of a port: from 02:00:00:00:01:NN to anybody.
constexpr Adjacency link_of(PortId port) {
  return {.header = {0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 2, 0, 0, 0, 1, port.index(), 0x08, 0x00},
          .port = port,
          .side = port == kWanPort ? Side::unprotected_side : Side::protected_side,
          .resolved = false,
          .mtu = 1400,
          .address = {}};
}

Adjacency configured(PortId port, wire::Ipv4Address address, bool resolved) {
  Adjacency adj = link_of(port);
  adj.address = address;
  adj.resolved = resolved;
  return adj;
}

struct Said {
  What what;
  std::uint32_t id;
  bool operator==(const Said&) const = default;
};
void PrintTo(const Said& said, std::ostream* out) { *out << (said.what == What::ask ? "ask " : "gave up ") << said.id; }

// Of the configuration: 0 has its MAC address, 1 and 2 have to be asked, the same address on two ports. Two more fit on
// each.
class NeighborTable : public testing::Test {
 protected:
  static constexpr NeighborSettings kSettings{.tries = 3, .interval_ns = 100, .reachable_ns = 1000, .learned = 2};

  static Neighbors make(AdjacencyTable& table, const NeighborSettings& settings) {
    test::start_dataplane();
    auto made = Neighbors::create(table, settings);
    if (!made) std::abort();
    return std::move(*made);
  }

  // A round, as the worker goes: whoever is given up is forgotten.
  std::vector<Said> round(std::uint64_t now) {
    std::vector<Said> said;
    while (const auto event = neighbors_.next_event(now)) {
      said.push_back({event->what, event->id.index()});
      if (event->what == What::gave_up) neighbors_.forget(event->id);
    }
    return said;
  }
  Octets header_of(std::uint32_t id) const {
    const EthernetHeader& header = table_[AdjId<V4>(id)].header;
    return {header.begin(), header.end()};
  }
  bool resolved(std::uint32_t id) const { return table_[AdjId<V4>(id)].resolved; }

  AdjacencyTable table_{
      {configured(kWanPort, kStatic, true), configured(kWanPort, kAsked, false), configured(kLanPort, kAsked, false)},
      2 * kSettings.learned};
  Neighbors neighbors_ = make(table_, kSettings);
  const AdjId<V4> fixed_{0};
  const AdjId<V4> asked_{1};
};

TEST_F(NeighborTable, FindsThoseOfTheConfigurationByPortAndAddress) {
  EXPECT_EQ(neighbors_.find(kWanPort, kStatic), AdjId<V4>(0));
  EXPECT_EQ(neighbors_.find(kWanPort, kAsked), AdjId<V4>(1));
  EXPECT_EQ(neighbors_.find(kLanPort, kAsked), AdjId<V4>(2));
  EXPECT_TRUE(neighbors_.find(kLanPort, kStatic).is_none());
  EXPECT_TRUE(neighbors_.find(kWanPort, kLearned).is_none());
  EXPECT_EQ(neighbors_.next_due(), kNever);
  EXPECT_EQ(neighbors_.capacity(), 7u);
}

TEST_F(NeighborTable, TheConfigurationsMacAddressesNeverChange) {
  const Octets before = header_of(0);
  neighbors_.learn(fixed_, kOtherMac, 10);
  EXPECT_EQ(header_of(0), before);
  EXPECT_FALSE(neighbors_.want(fixed_, 10));
  EXPECT_EQ(neighbors_.next_due(), kNever);
  EXPECT_TRUE(round(kNever - 1).empty());
  EXPECT_TRUE(resolved(0));
}

TEST_F(NeighborTable, AsksAtEachIntervalAndGivesUp) {
  EXPECT_TRUE(neighbors_.want(asked_, 1000));
  EXPECT_EQ(neighbors_.next_due(), 1100u);
  EXPECT_FALSE(neighbors_.want(asked_, 1001)) << "it is being asked";
  EXPECT_TRUE(round(1099).empty());
  EXPECT_EQ(neighbors_.next_due(), 1100u);
  EXPECT_EQ(round(1100), (std::vector<Said>{{What::ask, 1}}));
  EXPECT_TRUE(round(1100).empty()) << "once is enough";
  EXPECT_EQ(round(1210), (std::vector<Said>{{What::ask, 1}}));
  EXPECT_EQ(neighbors_.next_due(), 1310u);
  EXPECT_FALSE(resolved(1));
  EXPECT_EQ(round(1310), (std::vector<Said>{{What::gave_up, 1}}));
  EXPECT_TRUE(round(kNever - 1).empty());
  EXPECT_EQ(neighbors_.next_due(), kNever);
  EXPECT_EQ(neighbors_.find(kWanPort, kAsked), asked_) << "the configuration's stay";
  EXPECT_TRUE(neighbors_.want(asked_, 5000)) << "the next packet has it asked anew";
  EXPECT_EQ(neighbors_.next_due(), 5100u);
}

TEST_F(NeighborTable, OneTryIsOneQuestion) {
  AdjacencyTable table({configured(kWanPort, kAsked, false)}, 0);
  Neighbors neighbors = make(table, {.tries = 1, .interval_ns = 100});
  EXPECT_TRUE(neighbors.want(AdjId<V4>(0), 0));
  EXPECT_FALSE(neighbors.next_event(99));
  const auto event = neighbors.next_event(100);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->what, What::gave_up);
}

TEST_F(NeighborTable, AnAnswerEndsTheQuestions) {
  EXPECT_TRUE(neighbors_.want(asked_, 0));
  neighbors_.learn(asked_, kMac, 50);
  EXPECT_TRUE(resolved(1));
  EXPECT_EQ(header_of(1), test::from_hex("02000000000a 020000000100 0800"));
  EXPECT_FALSE(neighbors_.want(asked_, 60));
  EXPECT_TRUE(round(1049).empty());
  EXPECT_EQ(neighbors_.next_due(), 1050u);
}

TEST_F(NeighborTable, WhatIsSaidUnaskedIsLearnedToo) {
  neighbors_.learn(asked_, kMac, 50);
  EXPECT_TRUE(resolved(1));
  EXPECT_EQ(neighbors_.next_due(), 1050u);
  neighbors_.learn(asked_, kOtherMac, 70);
  EXPECT_EQ(header_of(1), test::from_hex("02000000000b 020000000100 0800"));
  EXPECT_TRUE(round(1069).empty()) << "the later word counts";
}

// RFC 1122 section 2.3.2.1: what is old is asked anew, and is good until it does not answer.
TEST_F(NeighborTable, TheOldIsProbedWhileItIsUsed) {
  neighbors_.learn(asked_, kMac, 0);
  EXPECT_EQ(round(1000), (std::vector<Said>{{What::ask, 1}}));
  EXPECT_TRUE(resolved(1));
  EXPECT_FALSE(neighbors_.want(asked_, 1001));
  EXPECT_EQ(round(1100), (std::vector<Said>{{What::ask, 1}}));
  neighbors_.learn(asked_, kMac, 1150);
  EXPECT_TRUE(round(2149).empty());
  EXPECT_EQ(round(2150), (std::vector<Said>{{What::ask, 1}})) << "all tries again";
  EXPECT_EQ(round(2250), (std::vector<Said>{{What::ask, 1}}));
  EXPECT_EQ(round(2350), (std::vector<Said>{{What::ask, 1}}));
  EXPECT_TRUE(resolved(1));
  EXPECT_EQ(round(2450), (std::vector<Said>{{What::gave_up, 1}}));
  EXPECT_FALSE(resolved(1));
  EXPECT_TRUE(neighbors_.want(asked_, 2500));
}

TEST_F(NeighborTable, ALearnedOneHasItsPortsLinkAndGoesWhenItIsSilent) {
  Adjacency like = link_of(kLanPort);
  like.resolved = true;  // of another neighbor, say
  const AdjId<V4> id = neighbors_.find_or_add(kLanPort, kLearned, like);
  ASSERT_EQ(id, AdjId<V4>(3));
  EXPECT_FALSE(resolved(3));
  EXPECT_EQ(table_[id].port, kLanPort);
  EXPECT_EQ(table_[id].side, Side::protected_side);
  EXPECT_EQ(table_[id].mtu, 1400);
  EXPECT_EQ(table_[id].address, kLearned);
  EXPECT_EQ(neighbors_.find(kLanPort, kLearned), id);
  EXPECT_TRUE(neighbors_.find(kWanPort, kLearned).is_none());
  neighbors_.learn(id, kMac, 0);
  EXPECT_EQ(header_of(3), test::from_hex("02000000000a 020000000101 0800"));
  for (const std::uint64_t now : {1000, 1100, 1200}) EXPECT_EQ(round(now), (std::vector<Said>{{What::ask, 3}}));
  EXPECT_EQ(round(1300), (std::vector<Said>{{What::gave_up, 3}}));
  EXPECT_TRUE(neighbors_.find(kLanPort, kLearned).is_none());
  EXPECT_FALSE(resolved(3));
}

TEST_F(NeighborTable, AFullPortTakesNoMoreUntilOneIsForgotten) {
  const AdjId<V4> first = neighbors_.find_or_add(kWanPort, kLearned, link_of(kWanPort));
  const AdjId<V4> second = neighbors_.find_or_add(kWanPort, {kLearned.value + 100}, link_of(kWanPort));
  ASSERT_FALSE(first.is_none());
  ASSERT_FALSE(second.is_none());
  EXPECT_NE(first, second);
  EXPECT_TRUE(neighbors_.find_or_add(kWanPort, kOther, link_of(kWanPort)).is_none());
  EXPECT_TRUE(neighbors_.find(kWanPort, kOther).is_none());
  EXPECT_EQ(neighbors_.find_or_add(kWanPort, kLearned, link_of(kWanPort)), first) << "who is known needs no room";
  EXPECT_EQ(neighbors_.find_or_add(kWanPort, kStatic, link_of(kWanPort)), fixed_);

  neighbors_.learn(first, kMac, 0);
  neighbors_.forget(first);
  neighbors_.forget(first);
  const AdjId<V4> third = neighbors_.find_or_add(kWanPort, kOther, link_of(kWanPort));
  EXPECT_EQ(third, first) << "its place is free";
  EXPECT_FALSE(table_[third].resolved) << "nothing of who was there before";
  EXPECT_EQ(table_[third].address, kOther);
  EXPECT_TRUE(neighbors_.find(kWanPort, kLearned).is_none());
  EXPECT_TRUE(neighbors_.find_or_add(kWanPort, kLearned, link_of(kWanPort)).is_none())
      << "forgotten twice is one place";
  EXPECT_TRUE(round(kNever - 1).empty()) << "nobody has asked for it yet";
}

TEST_F(NeighborTable, AFullPortLeavesAnotherItsRoom) {
  for (std::uint32_t i = 0; i < 10; ++i)
    EXPECT_EQ(neighbors_.find_or_add(kWanPort, {kLearned.value + i}, link_of(kWanPort)).is_none(), i >= 2) << i;
  for (std::uint32_t i = 0; i < 10; ++i)
    EXPECT_EQ(neighbors_.find_or_add(kLanPort, {kLearned.value + i}, link_of(kLanPort)).is_none(), i >= 2) << i;
}

// A clock that has stood still, or a worker that was busy: each is asked once, not once for each interval that passed.
TEST_F(NeighborTable, ALateRoundAsksOnce) {
  EXPECT_TRUE(neighbors_.want(asked_, 0));
  EXPECT_EQ(round(1'000'000), (std::vector<Said>{{What::ask, 1}}));
  EXPECT_EQ(neighbors_.next_due(), 1'000'100u);
}

TEST_F(NeighborTable, ARoundHasAllThatAreDueAndKnowsTheNext) {
  constexpr std::uint32_t kMany = 1000;
  std::vector<Adjacency> all;
  for (std::uint32_t i = 0; i < kMany; ++i) all.push_back(configured(kWanPort, {0x0a000000 + i}, false));
  AdjacencyTable table(all, 0);
  Neighbors neighbors = make(table, kSettings);
  for (std::uint32_t i = 0; i < kMany; ++i) EXPECT_TRUE(neighbors.want(AdjId<V4>(kMany - 1 - i), i));
  EXPECT_EQ(neighbors.next_due(), 100u);
  std::vector<std::uint32_t> asked;
  while (const auto event = neighbors.next_event(100 + 299)) {
    EXPECT_EQ(event->what, What::ask);
    asked.push_back(event->id.index());
  }
  ASSERT_EQ(asked.size(), 300u);
  for (std::uint32_t k = 0; k < asked.size(); ++k) EXPECT_EQ(asked[k], kMany - 1 - k) << "the longest due first";
  EXPECT_EQ(neighbors.next_due(), 400u);
}

// A hundred thousand of them, asked, answered and forgotten at times of their own: if each cost a look at all the
// others, this would not come to its end.
TEST_F(NeighborTable, AHundredThousandAreAskedInTheirOrder) {
  constexpr std::uint32_t kMany = 100'000;
  constexpr std::uint64_t kInterval = 1'000'000;
  AdjacencyTable table({}, kMany);
  Neighbors neighbors =
      make(table, {.tries = 2, .interval_ns = kInterval, .reachable_ns = kInterval, .learned = kMany});
  std::vector<AdjId<V4>> ids;
  for (std::uint32_t i = 0; i < kMany; ++i) {
    ids.push_back(neighbors.find_or_add(kLanPort, {0x0a000000 + i}, link_of(kLanPort)));
    ASSERT_FALSE(ids.back().is_none());
    ASSERT_TRUE(neighbors.want(ids.back(), i));
  }
  EXPECT_TRUE(neighbors.find_or_add(kLanPort, {0x0b000000}, link_of(kLanPort)).is_none());
  for (std::uint32_t i = 0; i < kMany; ++i) {  // each tick finds the one that is due
    ASSERT_EQ(neighbors.next_due(), kInterval + i);
    const auto event = neighbors.next_event(kInterval + i);
    ASSERT_TRUE(event);
    ASSERT_EQ(event->what, What::ask);
    ASSERT_EQ(event->id, ids[i]);
    ASSERT_FALSE(neighbors.next_event(kInterval + i));
    if (i % 2 == 0) neighbors.learn(ids[i], kMac, kInterval + i);
  }
  std::uint32_t gone = 0;
  std::uint32_t probed = 0;
  while (const auto event = neighbors.next_event(2 * kInterval + kMany)) {
    if (event->what == What::gave_up) neighbors.forget(event->id);
    ++(event->what == What::gave_up ? gone : probed);
  }
  EXPECT_EQ(gone, kMany / 2);
  EXPECT_EQ(probed, kMany / 2);
  EXPECT_FALSE(neighbors.find(kLanPort, {0x0a000000}).is_none());
  EXPECT_TRUE(neighbors.find(kLanPort, {0x0a000001}).is_none());
}

// --- against a plain reading of RFC 826 and of the settings ----------------------------------------------------------

// What is known of one neighbor, in the simplest words.
struct Plain {
  enum { silent, asking, known } state = silent;
  unsigned questions = 0;       // since the last answer
  std::uint64_t next = kNever;  // question, or the end
};

TEST_F(NeighborTable, AtRandomAsThePlainReading) {
  constexpr std::uint32_t kAll = 20;
  std::vector<Adjacency> all;
  for (std::uint32_t i = 0; i < kAll; ++i) all.push_back(configured(kWanPort, {0x0a000000 + i}, false));
  AdjacencyTable table(all, 0);
  Neighbors neighbors = make(table, kSettings);
  std::vector<Plain> plain(kAll);
  test::Random random(826);
  std::uint64_t now = 0;
  std::array<std::uint64_t, 2> events{};
  for (std::uint64_t step = 0; step < test::rounds(100'000); ++step) {
    now += test::pick(random, 60);
    const auto i = static_cast<std::uint32_t>(test::pick(random, kAll));
    Plain& p = plain[i];
    if (test::pick(random, 8) == 0) {
      neighbors.learn(AdjId<V4>(i), kMac, now);
      p = {Plain::known, 0, now + kSettings.reachable_ns};
    } else {
      ASSERT_EQ(neighbors.want(AdjId<V4>(i), now), p.state == Plain::silent);
      if (p.state == Plain::silent) p = {Plain::asking, 1, now + kSettings.interval_ns};
    }
    std::uint64_t due = kNever;
    for (const Plain& each : plain) due = std::min(due, each.next);
    ASSERT_EQ(neighbors.next_due(), due);
    if (test::pick(random, 4) != 0) continue;

    std::vector<std::pair<std::uint64_t, std::uint32_t>> order;
    for (std::uint32_t k = 0; k < kAll; ++k)
      if (plain[k].next <= now) order.emplace_back(plain[k].next, k);
    std::sort(order.begin(), order.end());
    std::vector<Said> expected;
    for (const auto& [since, k] : order) {
      Plain& each = plain[k];
      if (each.questions == kSettings.tries) {
        expected.push_back({What::gave_up, k});
        each = Plain{};
        continue;
      }
      expected.push_back({What::ask, k});
      ++each.questions;
      each.next = now + kSettings.interval_ns;
    }
    std::vector<Said> said;
    while (const auto event = neighbors.next_event(now)) {
      said.push_back({event->what, event->id.index()});
      ++events[event->what == What::ask ? 0 : 1];
      if (event->what == What::gave_up) neighbors.forget(event->id);
    }
    ASSERT_EQ(said, expected);
    for (std::uint32_t k = 0; k < kAll; ++k)
      ASSERT_EQ(table[AdjId<V4>(k)].resolved, plain[k].state == Plain::known) << k;
  }
  EXPECT_GT(events[0], 1000u);
  EXPECT_GT(events[1], 100u);
}

// A second worker, that reads what the first one tells.
class NeighborsOfTwo : public NeighborTable {
 protected:
  static constexpr WorkerId kSecond{1};

  NeighborsOfTwo() { neighbors_.tell(board_); }

  void teach(wire::Ipv4Address address, const wire::MacAddress& mac) {
    neighbors_.learn(neighbors_.find_or_add(kWanPort, address, link_of(kWanPort)), mac, 0);
  }
  void take_away(wire::Ipv4Address address) { neighbors_.forget(neighbors_.find(kWanPort, address)); }

  void catch_up() {
    neighbors_.publish();
    if (!board_.has_news(kSecond)) return;
    std::vector<NeighborBoard::Change> news;
    board_.read(kSecond, news);
    for (const NeighborBoard::Change& change : news) others_.take_over(change, link_of(change.port), 0);
  }

  // As the second worker knows it; nothing: it does not.
  std::optional<wire::MacAddress> known(wire::Ipv4Address address) const {
    const AdjId<V4> id = others_.find(kWanPort, address);
    if (id.is_none() || !others_[id].resolved) return std::nullopt;
    return wire::read_mac(others_[id].header.data());
  }

  NeighborBoard board_{2};
  AdjacencyTable others_table_ = table_;
  Neighbors others_ = make(others_table_, kSettings);
};

TEST_F(NeighborsOfTwo, WhatIsTaughtAndForgottenIsTakenOver) {
  teach(kAsked, kMac);
  teach(kLearned, kMac);
  EXPECT_EQ(known(kLearned), std::nullopt) << "before it was published";
  catch_up();
  EXPECT_EQ(known(kAsked), kMac);
  EXPECT_EQ(known(kLearned), kMac);
  teach(kLearned, kOtherMac);
  take_away(kAsked);
  catch_up();
  EXPECT_EQ(known(kAsked), std::nullopt);
  EXPECT_EQ(known(kLearned), kOtherMac);
}

TEST_F(NeighborsOfTwo, NothingIsNewWhenNothingChanged) {
  teach(kLearned, kMac);
  catch_up();
  EXPECT_FALSE(board_.has_news(kSecond));
  teach(kLearned, kMac);
  neighbors_.publish();
  EXPECT_FALSE(board_.has_news(kSecond));
  teach(kLearned, kOtherMac);
  neighbors_.publish();
  EXPECT_TRUE(board_.has_news(kSecond));
}

// Each comes in the place of the one before, and none of them was read.
TEST_F(NeighborsOfTwo, APlaceThatChangesHandsBetweenTwoReadsLeavesNobodyBehind) {
  teach(kLearned, kMac);
  catch_up();
  take_away(kLearned);
  teach(kOther, kMac);
  neighbors_.publish();
  take_away(kOther);
  teach({kOther.value + 1}, kOtherMac);
  catch_up();
  EXPECT_EQ(known(kLearned), std::nullopt);
  EXPECT_EQ(known(kOther), std::nullopt);
  EXPECT_EQ(known({kOther.value + 1}), kOtherMac);
}

// It gave up its first place, and another neighbor has that now.
TEST_F(NeighborsOfTwo, WhoComesBackInAnotherPlaceStays) {
  teach(kLearned, kMac);
  teach(kOther, kMac);
  catch_up();
  take_away(kLearned);
  take_away(kOther);
  teach(kLearned, kMac);
  teach(kOther, kOtherMac);
  catch_up();
  EXPECT_EQ(known(kLearned), kMac);
  EXPECT_EQ(known(kOther), kOtherMac);
}

// --- another configuration
// --------------------------------------------------------------------------------------------

// Two of the configuration, room for two more of it, and two learned ones.
class NeighborsReconfigured : public testing::Test {
 protected:
  static constexpr AdjId<V4> kLater{2};

  NeighborsReconfigured() { neighbors_.tell(board_); }

  static Neighbors make(AdjacencyTable& table) {
    test::start_dataplane();
    return std::move(
        Neighbors::create(table, {.tries = 3, .interval_ns = 100, .reachable_ns = 1000, .learned = 2}).value());
  }
  AdjId<V4> learned(wire::Ipv4Address address) {
    const AdjId<V4> id = neighbors_.find_or_add(kWanPort, address, link_of(kWanPort));
    neighbors_.learn(id, kMac, 0);
    return id;
  }

  AdjacencyTable table_{{configured(kWanPort, kStatic, true), configured(kWanPort, kAsked, false)}, 2, 2};
  NeighborBoard board_{2};
  Neighbors neighbors_ = make(table_);
};

TEST_F(NeighborsReconfigured, ALearnedOneGoesOnAsConfigured) {
  const AdjId<V4> before = learned(kLearned);
  EXPECT_EQ(before.index(), 4u) << "behind the room of the configuration";
  EXPECT_EQ(neighbors_.configure(kLater, configured(kWanPort, kLearned, false), 10), before);
  EXPECT_EQ(neighbors_.find(kWanPort, kLearned), kLater);
  EXPECT_TRUE(neighbors_[kLater].resolved);
  EXPECT_EQ(wire::read_mac(neighbors_[kLater].header.data()), kMac);
  EXPECT_FALSE(neighbors_.is_there(before));
  EXPECT_EQ(neighbors_.next_due(), 1000u) << "and is asked again when it would have been";
  learned(kOther);
  EXPECT_NE(learned(wire::Ipv4Address{0xc0000209}), AdjId<V4>::none()) << "its place among the learned is free";
}

TEST_F(NeighborsReconfigured, AConfiguredOneGoesOnAsLearned) {
  neighbors_.learn(AdjId<V4>(1), kMac, 0);
  neighbors_.unconfigure(AdjId<V4>(1), 50);
  EXPECT_FALSE(neighbors_.is_there(AdjId<V4>(1)));
  EXPECT_FALSE(table_[AdjId<V4>(1)].resolved);
  const AdjId<V4> now = neighbors_.find(kWanPort, kAsked);
  EXPECT_EQ(now.index(), 4u);
  EXPECT_EQ(wire::read_mac(neighbors_[now].header.data()), kMac);
  EXPECT_EQ(neighbors_.next_due(), 50u);
}

TEST_F(NeighborsReconfigured, OneThatWasNeverHeardOfIsGone) {
  neighbors_.unconfigure(AdjId<V4>(1), 50);
  EXPECT_EQ(neighbors_.find(kWanPort, kAsked), AdjId<V4>::none());
}

TEST_F(NeighborsReconfigured, TheConfigurationSaysItsMacAddressAndNoLonger) {
  Adjacency said = configured(kWanPort, kAsked, true);
  std::copy(kOtherMac.octets.begin(), kOtherMac.octets.end(), said.header.begin());
  neighbors_.configure(AdjId<V4>(1), said, 10);
  neighbors_.learn(AdjId<V4>(1), kMac, 20);
  EXPECT_EQ(wire::read_mac(neighbors_[AdjId<V4>(1)].header.data()), kOtherMac) << "nobody else may say another one";
  neighbors_.configure(AdjId<V4>(1), configured(kWanPort, kAsked, false), 30);
  EXPECT_TRUE(neighbors_[AdjId<V4>(1)].resolved);
  EXPECT_EQ(neighbors_.next_due(), 30u) << "it is asked whether that still holds";
}

// A worker that stands still reads nothing, while neighbors come, change and go without end.
TEST(NeighborBoard, WhatNobodyReadsHasABound) {
  constexpr std::uint32_t kAddresses = 300;
  NeighborBoard board(2);
  std::map<std::uint32_t, wire::MacAddress> known;  // as the last news say
  for (std::uint32_t n = 0; n < 1'000'000; ++n) {
    const std::uint32_t address = n * 7919 % kAddresses;
    const bool resolved = n % 3 != 0;
    const auto octet = [n](unsigned shift) { return static_cast<std::uint8_t>(n >> shift); };
    const wire::MacAddress mac{{2, 0, 0, octet(16), octet(8), octet(0)}};
    board.post({{PortId(1), wire::Ipv4Address{address}, mac, resolved}});
    if (resolved)
      known[address] = mac;
    else
      known.erase(address);
  }
  std::vector<NeighborBoard::Change> news;
  board.read(WorkerId(1), news);
  EXPECT_LE(news.size(), NeighborBoard::kMostUnread + 1);
  std::map<std::uint32_t, wire::MacAddress> read;
  std::size_t most = 0;
  for (const NeighborBoard::Change& change : news) {
    if (change.resolved)
      read[change.address.value] = change.mac;
    else
      read.erase(change.address.value);
    most = std::max(most, read.size());
  }
  EXPECT_EQ(read, known);
  EXPECT_LE(most, std::size_t{kAddresses});
  board.read(WorkerId(1), news);
  EXPECT_TRUE(news.empty());
}

// Of the same address at two ports each is one of its own.
TEST(NeighborBoard, WhatIsForgottenGoesBeforeWhatTakesItsPlace) {
  NeighborBoard board(2);
  const wire::MacAddress mac{{2, 0, 0, 0, 0, 1}};
  for (std::size_t n = 0; n <= NeighborBoard::kMostUnread; ++n) {
    const wire::Ipv4Address address{static_cast<std::uint32_t>(n % 2)};
    board.post({{PortId(static_cast<std::uint8_t>(n % 4 / 2)), address, mac, n % 2 == 0}});
  }
  std::vector<NeighborBoard::Change> news;
  board.read(WorkerId(1), news);
  ASSERT_EQ(news.size(), 4u);
  EXPECT_FALSE(news[0].resolved || news[1].resolved);
  EXPECT_TRUE(news[2].resolved && news[3].resolved);
  EXPECT_NE(news[2].port, news[3].port);
}

}  // namespace
}  // namespace strata
