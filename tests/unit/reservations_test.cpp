// Sequence numbers are reserved ahead of their use, and no end of the process, at whatever step or octet of a write,
// lets the next start use one of them again.
#include <gtest/gtest.h>

#include <limits>

#include "control/state/reservations.hpp"
#include "tests/unit/hex.hpp"
#include "tests/unit/made_up_disk.hpp"

namespace strata {
namespace {

using namespace std::chrono_literals;
using test::MadeUpDisk;
using Clock = Reservations::Clock;

constexpr const char* kName = "sequence-numbers";
constexpr std::uint64_t kLast32 = std::numeric_limits<std::uint32_t>::max();

// Outbound SAs with keys of their own, and a start of the gateway after the other on one disk.
class Sealing {
 public:
  explicit Sealing(std::size_t count, bool esn = true) {
    for (std::size_t i = 0; i < count; ++i) {
      keys_.emplace_back(20, static_cast<std::uint8_t>(i + 1));
      sas_.push_back(OutboundSa{.key = AeadKey(AeadAlgorithm::aes_128_gcm, keys_[i]),
                                .outer = OuterHeader({}, static_cast<std::uint32_t>(0x100 + i)),
                                .esn = esn,
                                .adj = AdjId<V4>::none()});
      sas_.back().limit = sas_.back().last = sas_.back().last_number();
    }
  }

  OutboundSa& sa(std::size_t i = 0) { return sas_[i]; }
  test::Octets& key(std::size_t i = 0) { return keys_[i]; }
  std::vector<SealingSa> all() {
    std::vector<SealingSa> all;
    for (std::size_t i = 0; i < sas_.size(); ++i) all.push_back({&sas_[i], keys_[i]});
    return all;
  }

 private:
  std::vector<test::Octets> keys_;
  OutboundSaTable sas_;
};

Reservations opened(MadeUpDisk& disk) {
  auto made = Reservations::open(disk);
  EXPECT_TRUE(made) << (made ? "" : made.error());
  return std::move(*made);
}

Clock::time_point at(std::chrono::milliseconds since) { return Clock::time_point() + 1h + since; }

TEST(Reservations, AKeyBeginsAtOneAndGoesOnBehindWhatItReserved) {
  MadeUpDisk disk;
  for (std::uint64_t start = 0; start < 3; ++start) {
    Sealing sealing(1);
    Reservations reservations = opened(disk);
    ASSERT_TRUE(reservations.begin(sealing.all(), at(0ms)));
    EXPECT_EQ(reservations.known(), start == 0 ? 0u : 1u);
    EXPECT_EQ(sealing.sa().sequence, start * Reservations::kLeast);
    EXPECT_EQ(sealing.sa().limit, (start + 1) * Reservations::kLeast);
    EXPECT_FALSE(sealing.sa().stopped());
  }
}

TEST(Reservations, AnotherKeyOrAnotherSaltBeginsAtOneAnotherSpiDoesNot) {
  MadeUpDisk disk;
  Sealing sealing(1);
  ASSERT_TRUE(opened(disk).begin(sealing.all(), at(0ms)));
  for (const std::size_t octet : {std::size_t{0}, std::size_t{19}}) {
    Sealing other(1);
    other.key()[octet] ^= 0x80;
    ASSERT_TRUE(opened(disk).begin(other.all(), at(0ms)));
    EXPECT_EQ(other.sa().sequence, 0u);
  }
  Sealing again(1);
  again.sa().outer = OuterHeader({}, 0x999);
  ASSERT_TRUE(opened(disk).begin(again.all(), at(0ms)));
  EXPECT_EQ(again.sa().sequence, Reservations::kLeast) << "the others' starts have taken nothing from it";
}

TEST(Reservations, AnEndInOrderWastesNothing) {
  MadeUpDisk disk;
  {
    Sealing sealing(2);
    Reservations reservations = opened(disk);
    ASSERT_TRUE(reservations.begin(sealing.all(), at(0ms)));
    sealing.sa(0).sequence = 1234;
    ASSERT_TRUE(reservations.end());
    EXPECT_TRUE(sealing.sa(0).stopped()) << "a packet after the end would use a number that was given back";
    EXPECT_TRUE(sealing.sa(1).stopped());
  }
  Sealing sealing(2);
  ASSERT_TRUE(opened(disk).begin(sealing.all(), at(0ms)));
  EXPECT_EQ(sealing.sa(0).sequence, 1234u);
  EXPECT_EQ(sealing.sa(1).sequence, 0u);
}

TEST(Reservations, MoreIsReservedWhenHalfOfItIsUsed) {
  MadeUpDisk disk;
  Sealing sealing(1);
  Reservations reservations = opened(disk);
  ASSERT_TRUE(reservations.begin(sealing.all(), at(0ms)));
  const std::size_t spent = disk.spent();
  sealing.sa().sequence = Reservations::kLeast / 2;
  ASSERT_TRUE(reservations.look(at(10s)));
  EXPECT_EQ(disk.spent(), spent) << "written though half is left";
  sealing.sa().sequence = Reservations::kLeast / 2 + 1;
  ASSERT_TRUE(reservations.look(at(20s)));
  EXPECT_EQ(sealing.sa().limit, Reservations::kLeast / 2 + 1 + Reservations::kLeast);
}

// As much as a second takes, so that a slow disk has half a second; but what a kill wastes has a bound.
TEST(Reservations, WhatIsAheadFollowsTheRate) {
  MadeUpDisk disk;
  Sealing sealing(1);
  Reservations reservations = opened(disk);
  ASSERT_TRUE(reservations.begin(sealing.all(), at(0ms)));
  sealing.sa().sequence = 600'000;
  ASSERT_TRUE(reservations.look(at(100ms)));
  EXPECT_EQ(sealing.sa().limit, 600'000u + 6'000'000u);
  sealing.sa().sequence = 6'600'000;
  ASSERT_TRUE(reservations.look(at(110ms)));
  EXPECT_EQ(sealing.sa().limit, 6'600'000u + Reservations::kMost);
}

TEST(Reservations, WithoutEsnItEndsWhereTheNumbersEnd) {
  MadeUpDisk disk;
  Sealing sealing(1, false);
  Reservations reservations = opened(disk);
  ASSERT_TRUE(reservations.begin(sealing.all(), at(0ms)));
  sealing.sa().limit = sealing.sa().sequence = kLast32 - 5;
  ASSERT_TRUE(reservations.look(at(10ms)));
  EXPECT_EQ(sealing.sa().limit, kLast32);
  sealing.sa().sequence = kLast32;
  const std::size_t spent = disk.spent();
  ASSERT_TRUE(reservations.look(at(20ms)));
  EXPECT_EQ(disk.spent(), spent) << "there is nothing left to reserve";
  Sealing next(1, false);
  ASSERT_TRUE(opened(disk).begin(next.all(), at(0ms)));
  EXPECT_EQ(next.sa().sequence, kLast32);
  EXPECT_TRUE(next.sa().stopped());
}

// The nonce is of 64 bits with and without ESN.
TEST(Reservations, EsnSwitchedOffAndOnAgainRepeatsNothing) {
  MadeUpDisk disk;
  {
    Sealing esn(1);
    Reservations reservations = opened(disk);
    ASSERT_TRUE(reservations.begin(esn.all(), at(0ms)));
    esn.sa().limit = esn.sa().sequence = 5'000'000'000;
    ASSERT_TRUE(reservations.look(at(1ms)));
    ASSERT_TRUE(reservations.end());
  }
  {
    Sealing without(1, false);
    Reservations reservations = opened(disk);
    ASSERT_TRUE(reservations.begin(without.all(), at(0ms)));
    EXPECT_TRUE(without.sa().stopped());
    ASSERT_TRUE(reservations.end());
  }
  Sealing esn(1);
  ASSERT_TRUE(opened(disk).begin(esn.all(), at(0ms)));
  EXPECT_EQ(esn.sa().sequence, 5'000'000'000u);
}

// A lifetime in packets ends before the numbers do; with a longer one the key goes on behind all it was reserved.
TEST(Reservations, AShorterLifeRepeatsNothing) {
  MadeUpDisk disk;
  Sealing sealing(1);
  sealing.sa().last = 1000;
  ASSERT_TRUE(opened(disk).begin(sealing.all(), at(0ms)));
  EXPECT_EQ(sealing.sa().limit, 1000u);
  Sealing longer(1);
  ASSERT_TRUE(opened(disk).begin(longer.all(), at(0ms)));
  EXPECT_EQ(longer.sa().sequence, 1000u);
  {
    Sealing shorter(1);
    shorter.sa().last = 500;
    Reservations reservations = opened(disk);
    ASSERT_TRUE(reservations.begin(shorter.all(), at(0ms)));
    EXPECT_TRUE(shorter.sa().stopped());
    ASSERT_TRUE(reservations.end());
  }
  Sealing again(1);
  ASSERT_TRUE(opened(disk).begin(again.all(), at(0ms)));
  EXPECT_EQ(again.sa().sequence, 1000 + Reservations::kLeast);
}

TEST(Reservations, WhatAKeyCarriedIsKept) {
  MadeUpDisk disk;
  for (std::uint64_t start = 0; start < 3; ++start) {
    Sealing sealing(1);
    Reservations reservations = opened(disk);
    ASSERT_TRUE(reservations.begin(sealing.all(), at(0ms)));
    EXPECT_EQ(reservations.before(0).octets, start * 5000);
    EXPECT_GT(reservations.before(0).since, 1'700'000'000u);
    sealing.sa().octets = 5000;
    ASSERT_TRUE(reservations.end());
  }
}

// A key that has sent more than its SA may now, and whose limit is then lifted while it is in use.
TEST(Reservations, Duty35_ALimitThatIsLiftedRepeatsNothing) {
  MadeUpDisk disk;
  {
    Sealing sealing(1);
    Reservations reservations = opened(disk);
    ASSERT_TRUE(reservations.begin(sealing.all(), at(0ms)));
    sealing.sa().sequence = 500'000;
    ASSERT_TRUE(reservations.end());
  }
  Sealing limited(1);
  limited.sa().last = 1000;
  Reservations reservations = opened(disk);
  ASSERT_TRUE(reservations.begin(limited.all(), at(0ms)));
  EXPECT_TRUE(limited.sa().stopped());
  limited.sa().limit = 1000;  // as what looks at lifetimes leaves it
  const std::size_t spent = disk.spent();
  for (const std::uint64_t last : {std::uint64_t{400'000}, limited.sa().last_number()}) {
    limited.sa().last = last;
    ASSERT_TRUE(reservations.look(at(std::chrono::milliseconds(last % 1000 + 10))));
    EXPECT_GE(limited.sa().sequence, 500'000u);
    EXPECT_EQ(limited.sa().stopped(), last == 400'000);
    EXPECT_EQ(disk.spent() == spent, limited.sa().stopped()) << "for one that sends nothing nothing is written";
    const std::uint64_t reserved = decode(**disk.read(kName)).value().keys[0].last;
    EXPECT_EQ(reserved == 500'000, limited.sa().stopped());
  }
}

// A process that is killed has written what its SAs had carried when it was asked to, and only where that is another.
TEST(Reservations, WhatAKeyCarriedIsWrittenWhereItIsAskedFor) {
  MadeUpDisk disk;
  Sealing sealing(2);
  Reservations reservations = opened(disk);
  ASSERT_TRUE(reservations.begin(sealing.all(), at(0ms)));
  const auto octets = [&] { return decode(**disk.read(kName)).value().keys[1].octets; };
  sealing.sa(1).octets = 5000;
  ASSERT_TRUE(reservations.look(at(10ms)));
  EXPECT_EQ(octets(), 0u);
  disk.end_after(0);
  EXPECT_FALSE(reservations.look(at(20ms), true));
  disk.heal();
  ASSERT_TRUE(reservations.look(at(30ms), true));
  EXPECT_EQ(octets(), 5000u);
  disk.end_after(0);
  EXPECT_TRUE(reservations.look(at(40ms), true));
}

// An upgrade: numbers go on, and nobody's life is over at once for want of a date.
TEST(Reservations, AKeyOfTheVersionBeforeGoesOnAndBegunNow) {
  MadeUpDisk disk;
  Sealing sealing(1);
  ASSERT_TRUE(opened(disk).begin(sealing.all(), at(0ms)));
  SequenceFile file = decode(**disk.read(kName)).value();
  const std::uint64_t before = std::exchange(file.keys[0].since, 0);
  ASSERT_TRUE(replace(disk, kName, encode(file)));
  Sealing upgraded(1);
  Reservations reservations = opened(disk);
  ASSERT_TRUE(reservations.begin(upgraded.all(), at(0ms)));
  EXPECT_EQ(upgraded.sa().sequence, Reservations::kLeast);
  EXPECT_GE(reservations.before(0).since, before);
}

// Lifetimes are looked at by another thread: an SA whose life is over gets no new limit, and no number that was not
// reserved is let out.
TEST(Reservations, AnEndedSaReservesNothing) {
  MadeUpDisk disk;
  Sealing sealing(2);
  Reservations reservations = opened(disk);
  ASSERT_TRUE(reservations.begin(sealing.all(), at(0ms)));
  sealing.sa(0).sequence = sealing.sa(1).sequence = Reservations::kLeast - 1;
  sealing.sa(0).last = sealing.sa(0).limit = 0;
  ASSERT_TRUE(reservations.look(at(10ms)));
  EXPECT_EQ(sealing.sa(0).limit, 0u);
  EXPECT_GT(sealing.sa(1).limit, Reservations::kLeast);
  ASSERT_TRUE(reservations.end());
  EXPECT_EQ(decode(**disk.read(kName)).value().keys[0].last, Reservations::kLeast - 1);
}

// A key that the configuration has no more, and then again.
TEST(Reservations, AKeyThatComesBackGoesOn) {
  MadeUpDisk disk;
  Sealing both(2);
  ASSERT_TRUE(opened(disk).begin(both.all(), at(0ms)));
  Sealing one(1);
  ASSERT_TRUE(opened(disk).begin(one.all(), at(0ms)));
  Sealing again(2);
  ASSERT_TRUE(opened(disk).begin(again.all(), at(0ms)));
  EXPECT_EQ(again.sa(0).sequence, 2 * Reservations::kLeast);
  EXPECT_EQ(again.sa(1).sequence, Reservations::kLeast);
}

TEST(Reservations, ADiskThatFailsLeavesTheLimitAndIsTriedAgain) {
  MadeUpDisk disk;
  Sealing sealing(1);
  Reservations reservations = opened(disk);
  ASSERT_TRUE(reservations.begin(sealing.all(), at(0ms)));
  sealing.sa().sequence = Reservations::kLeast;
  for (std::size_t steps = 0;; ++steps) {
    disk.end_after(steps);
    const auto done = reservations.look(at(std::chrono::seconds(10 * steps + 10)));
    if (done) break;
    ASSERT_EQ(done.error(), "the disk is full");
    ASSERT_EQ(sealing.sa().limit, Reservations::kLeast) << "moved on after " << steps << " steps";
    ASSERT_TRUE(sealing.sa().stopped());
  }
  EXPECT_EQ(sealing.sa().limit, 2 * Reservations::kLeast);
  disk.end_after(0);
  Sealing refused(1);
  EXPECT_FALSE(opened(disk).begin(refused.all(), at(0ms)));
  EXPECT_TRUE(refused.sa().stopped());
}

// The whole promise: a life of starts, loads and ends is cut at each step and octet, and whatever the disk may have
// kept of it, the next start is refused or begins behind every number that a worker was let use.
class Life {
 public:
  // Cut after so many steps. False: it came to its end before.
  bool cut_after(std::size_t steps) {
    disk_.end_after(steps);
    used_ = {};
    for (int start = 0; start < 3 && !disk_.ended(); ++start) one_start(start == 1);
    return disk_.ended();
  }

  // How many of the ends that are possible now begin again, and how many are refused.
  std::pair<unsigned, unsigned> judge() {
    std::pair<unsigned, unsigned> seen;
    for (const auto& text : disk_.left_of(kName)) {
      MadeUpDisk found;
      found.put(kName, text);
      auto reservations = Reservations::open(found);
      Sealing sealing(2);
      if (!reservations) {
        ++seen.second;
        continue;
      }
      ++seen.first;
      EXPECT_TRUE(reservations->begin(sealing.all(), at(0ms)));
      for (std::size_t i = 0; i < 2; ++i) EXPECT_GE(sealing.sa(i).sequence, used_[i]);
    }
    return seen;
  }

 private:
  void one_start(bool in_order) {
    Sealing sealing(2);
    auto reservations = Reservations::open(disk_);
    ASSERT_TRUE(reservations);
    std::chrono::milliseconds now{0};
    if (reservations->begin(sealing.all(), at(now)))
      for (int turn = 0; turn < 3; ++turn) {
        use_all(sealing);
        if (!reservations->look(at(now += 10ms))) break;
      }
    use_all(sealing);
    if (in_order) [[maybe_unused]]
      const auto given_back = reservations->end();
  }
  // The path sends as much as its limit lets it.
  void use_all(Sealing& sealing) {
    for (std::size_t i = 0; i < 2; ++i) {
      OutboundSa& sa = sealing.sa(i);
      if (!sa.stopped()) sa.sequence = sa.limit - i;
      if (sa.sequence > used_[i]) used_[i] = sa.sequence;
    }
  }

  MadeUpDisk disk_;
  std::array<std::uint64_t, 2> used_;
};

TEST(Reservations, Duty35_CutAtEveryStepNoNumberComesTwice) {
  unsigned again = 0;
  unsigned refused = 0;
  std::size_t steps = 0;
  for (bool cut = true; cut; ++steps) {
    Life life;
    cut = life.cut_after(steps);
    const auto [fine, bad] = life.judge();
    again += fine;
    refused += bad;
    if (HasFailure()) FAIL() << "cut after " << steps << " steps";
  }
  EXPECT_GT(steps, 1000u);
  EXPECT_GT(again, steps) << "after each cut it goes on, whichever way it ended";
  EXPECT_EQ(refused, 0u) << "with content before name no cut leaves a damaged file";
}

// --- while workers go on: others seal
// ---------------------------------------------------------------------------------

TEST(Reservations, AKeyThatGoesToAnotherSaGoesOnBehindAllThatWasReserved) {
  MadeUpDisk disk;
  Sealing before(1);
  Sealing after(1);
  Reservations reservations = opened(disk);
  ASSERT_TRUE(reservations.begin(before.all(), at(0ms)));
  ASSERT_TRUE(reservations.exchange({&before.sa()}, after.all()));
  EXPECT_EQ(after.sa().sequence, before.sa().limit) << "the one before may still use all of its own";
  EXPECT_FALSE(before.sa().stopped());
  EXPECT_FALSE(after.sa().stopped());
  before.sa().sequence = 5;
  reservations.release();
  after.sa().sequence = Reservations::kLeast + 7;
  ASSERT_TRUE(reservations.end());
  Sealing next(1);
  ASSERT_TRUE(opened(disk).begin(next.all(), at(0ms)));
  EXPECT_EQ(next.sa().sequence, Reservations::kLeast + 7);
}

TEST(Reservations, AKeyThatComesBackGoesOnBehindWhatItUsed) {
  MadeUpDisk disk;
  Sealing before(2);
  Reservations reservations = opened(disk);
  ASSERT_TRUE(reservations.begin(before.all(), at(0ms)));
  ASSERT_TRUE(reservations.exchange({&before.sa(0)}, {}));
  before.sa(0).sequence = 1234;
  reservations.release();
  Sealing again(1);
  ASSERT_TRUE(reservations.exchange({}, again.all()));
  EXPECT_EQ(again.sa().sequence, 1234u);
  EXPECT_EQ(again.sa().limit, 1234u + Reservations::kLeast);
  EXPECT_EQ(before.sa(1).sequence, 0u) << "who stays is not touched";
}

// An SA can be taken away while the disk is full; what it gives back is written once there is room.
TEST(Reservations, WithoutADiskOneCanGo) {
  MadeUpDisk disk;
  Sealing both(2);
  Reservations reservations = opened(disk);
  ASSERT_TRUE(reservations.begin(both.all(), at(0ms)));
  disk.end_after(0);
  EXPECT_TRUE(reservations.exchange({&both.sa(0)}, {}));
  both.sa(0).sequence = 1234;
  reservations.release();
  EXPECT_TRUE(reservations.exchange({}, {})) << "a route, say";
  disk.heal();
  EXPECT_EQ(decode(**disk.read(kName)).value().keys[0].last, Reservations::kLeast);
  ASSERT_TRUE(reservations.look(at(10s), true));
  EXPECT_EQ(decode(**disk.read(kName)).value().keys[0].last, 1234u);
}

TEST(Reservations, WithoutADiskNothingIsExchanged) {
  MadeUpDisk disk;
  Sealing before(1);
  Sealing after(1);
  Reservations reservations = opened(disk);
  ASSERT_TRUE(reservations.begin(before.all(), at(0ms)));
  disk.end_after(0);
  EXPECT_FALSE(reservations.exchange({&before.sa()}, after.all()));
  EXPECT_TRUE(after.sa().stopped());
  disk.heal();
  before.sa().sequence = Reservations::kLeast - 1;
  ASSERT_TRUE(reservations.look(at(10s)));
  EXPECT_GT(before.sa().limit, Reservations::kLeast) << "more is reserved for it, as before";
}

}  // namespace
}  // namespace strata
