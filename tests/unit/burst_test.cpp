// Bursts: packets and their rows, in the order they came, however they are drained, split and put together.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "dataplane/stage/ip4_forward.hpp"
#include "tests/unit/frames.hpp"
#include "tests/unit/packets.hpp"

namespace strata {
namespace {

using stage::Frame;
using stage::Ip4;
using test::counted;
using test::end_all;
using test::kAnyCause;
using test::kNoLink;
using test::kWan;
using test::Octets;
using test::receive_numbered;
using test::Source;

TEST(BurstOf, ReceivesPlacesInArrivalOrder) {
  Source source;
  Burst<Frame> frames;
  receive_numbered(source, kBurstSize, frames);
  ASSERT_EQ(frames.size(), kBurstSize);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    EXPECT_EQ(static_cast<std::size_t>(frames.row(i).from.place()), i);
    EXPECT_EQ(frames.bytes(i)[0], i);
  }
  end_all(frames, source.ends());
}

TEST(BurstOf, ReceiveTakesNoMoreThanItIsAskedFor) {
  Source source;
  for (int i = 0; i < 10; ++i) source.feed(counted(20));
  Burst<Frame> frames;
  EXPECT_EQ(source.receive(4, frames, kWan), 4u);
  EXPECT_EQ(frames.size(), 4u);
  end_all(frames, source.ends());
  EXPECT_EQ(source.receive(frames, kWan), 6u);
  end_all(frames, source.ends());
}

template <bool kAheadOfTime>
void drain_in_order() {
  for (const std::size_t n : {0, 1, 3, 4, 5, 63, 64}) {
    Source source;
    Burst<Frame> frames;
    receive_numbered(source, n, frames);
    std::vector<int> seen;
    const auto step = [&](Packet<Frame> p, const Row<Frame>& row) -> Done {
      EXPECT_TRUE(frames.empty()) << "a burst that is drained is free to be filled";
      EXPECT_EQ(static_cast<std::size_t>(row.from.place()), seen.size());
      seen.push_back(std::as_const(p).bytes()[0]);
      return source.ends().end(std::move(p), kAnyCause);
    };
    if constexpr (kAheadOfTime) {
      frames.drain_ahead(step);
    } else {
      frames.drain(step);
    }
    EXPECT_TRUE(frames.empty());
    ASSERT_EQ(seen.size(), n);
    for (std::size_t i = 0; i < n; ++i) EXPECT_EQ(seen[i], static_cast<int>(i));
  }
}

TEST(BurstOf, DrainsInOrderAndIsEmptyThen) { drain_in_order<false>(); }
TEST(BurstOf, DrainsAheadInOrderAndIsEmptyThen) { drain_in_order<true>(); }

TEST(BurstOf, AllAreAlikeUnlessOneIsNot) {
  EXPECT_TRUE(Burst<Frame>().all_alike([](const Row<Frame>&) { return 1U; }));
  Source source;
  for (const std::size_t n : {1U, 2U, 3U, 4U, 5U, 8U, 15U, 16U, 17U, 31U, 33U, 64U}) {
    for (std::size_t i = 0; i < n; ++i) source.feed(counted(60));
    Burst<Frame> frames;
    ASSERT_EQ(source.receive(frames, kWan), n);
    EXPECT_TRUE(frames.all_alike([](const Row<Frame>&) { return 0x8000'0001U; }));
    for (std::size_t odd = 0; odd < n; ++odd) {
      const auto is_odd = [=](const Row<Frame>& row) { return static_cast<std::size_t>(row.from.place()) == odd; };
      EXPECT_EQ(frames.all_alike([=](const Row<Frame>& row) { return is_odd(row) ? 1U : 0x8000'0001U; }), n == 1);
      EXPECT_EQ(frames.all_alike([=](const Row<Frame>& row) { return std::uint8_t(is_odd(row) ? 0 : 0x80); }), n == 1)
          << odd << " of " << n;
    }
    end_all(frames, source.ends());
  }
}

TEST(BurstOf, DrainTellsThePlaceInTheBurst) {
  Source source;
  Burst<Frame> frames;
  receive_numbered(source, 10, frames);
  std::size_t next = 0;
  frames.drain([&](Packet<Frame> p, const Row<Frame>&, std::size_t i) -> Done {
    EXPECT_EQ(i, next++);
    return source.ends().end(std::move(p), kAnyCause);
  });
  EXPECT_EQ(next, 10u);
}

// --- what is asked ahead -------------------------------------------------------------------------------------------

struct Asking {
  using stage_type = stage::EspIn;

  std::vector<std::pair<SaId, std::size_t>>& asked;  // octets
  Burst<stage::EspIn>& out;

  Done input(Packet<stage::EspIn> packet, const Row<stage::EspIn>& row) const {
    return out.push(std::move(packet), row);
  }
  static SaId sa_of(const Row<stage::EspIn>& row) { return row.from.sa(); }
  void ask(const Row<stage::EspIn>& row, std::span<const std::uint8_t> bytes) const {
    asked.emplace_back(row.from.sa(), bytes.size());
  }
};

// Packets of SAs, each of so many octets.
std::vector<std::pair<SaId, std::size_t>> asked_for(const std::vector<std::pair<SaId, std::size_t>>& packets) {
  Source source;
  for (const auto& packet : packets) source.feed(counted(packet.second));
  Burst<Frame> frames;
  EXPECT_EQ(source.receive(frames, kWan), packets.size());
  Burst<stage::Host> hosts;
  frames.drain(
      [&](Packet<Frame> p, const Row<Frame>& row) -> Done { return Gate::host(std::move(p), row, kNoLink, hosts); });
  Burst<stage::EspIn> esp;
  hosts.drain([&](Packet<stage::Host> p, const Row<stage::Host>& row, std::size_t i) -> Done {
    return Gate::esp(std::move(p), row, {0, packets[i].second}, packets[i].first, {}, wire::Ecn::not_ect, esp);
  });
  std::vector<std::pair<SaId, std::size_t>> asked;
  Burst<stage::EspIn> out;
  drain_asking(esp, Asking{asked, out});
  EXPECT_EQ(out.size(), packets.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    EXPECT_EQ(static_cast<std::size_t>(out.row(i).from.place()), i);
    EXPECT_EQ(out.row(i).from.sa(), packets[i].first);
  }
  end_all(out, source.ends());
  return asked;
}

TEST(AskedAhead, OnceForABurstOfOneSa) {
  const SaId a(1);
  using Asked = std::vector<std::pair<SaId, std::size_t>>;
  EXPECT_EQ(asked_for({}), Asked{});
  EXPECT_EQ(asked_for({{a, 100}}), (Asked{{a, 100}}));
  EXPECT_EQ(asked_for(Asked(kBurstSize, {a, 100})), (Asked{{a, 100}}));
}

TEST(AskedAhead, WhatTheOneBeforeHasNotAskedFor) {
  const SaId a(1);
  const SaId b(2);
  using Asked = std::vector<std::pair<SaId, std::size_t>>;
  // Also where the first, the last and the one in the middle are of one.
  EXPECT_EQ(asked_for({{a, 100}, {b, 100}, {a, 100}, {b, 100}, {a, 100}}),
            (Asked{{a, 100}, {b, 100}, {a, 100}, {b, 100}, {a, 100}}));
  EXPECT_EQ(asked_for({{a, 100}, {a, 100}, {b, 100}, {b, 90}, {b, 110}}), (Asked{{a, 100}, {b, 100}, {b, 110}}));
}

// --- routes of a burst -----------------------------------------------------------------------------------------------

TEST(RoutesOfABurst, EachPacketHasItsOwn) {
  test::start_dataplane();
  const auto table = RouteTable::create({{{{0x0a010000}, 24}, {RouteKind::adjacency, 1}},
                                         {{{0x0a010200}, 24}, {RouteKind::connected, 2}},
                                         {{{0x0a010300}, 24}, {RouteKind::adjacency, 3}}});
  ASSERT_TRUE(table) << table.error();
  const auto to = [](const char* destination) { return test::ipv4({"0a090909", destination, 17}, {}); };
  const Octets a = to("0a010001");
  const Octets b = to("0a010201");
  const Octets c = to("0a010301");
  const Octets nowhere = to("0a010401");
  const Octets zero = to("00000000");
  const Octets cut(a.begin(), a.begin() + 19);  // too short to have a destination: as if it were 0.0.0.0
  std::vector<Octets> other_each(kBurstSize, a);
  for (std::size_t i = 0; i < kBurstSize; ++i) other_each[i][19] = static_cast<std::uint8_t>(i);
  const std::vector<std::pair<std::vector<Octets>, std::size_t>> bursts = {{{a}, 1},
                                                                           {{a, a, a}, 1},
                                                                           {{a, b, a}, 3},
                                                                           {{a, a, b, b, nowhere, c}, 4},
                                                                           {{cut, a, a, cut, cut, zero, b}, 4},
                                                                           {std::vector<Octets>(kBurstSize, b), 1},
                                                                           {other_each, kBurstSize},
                                                                           {{}, 0}};
  const PolicyTable policies;
  for (const auto& [packets, runs] : bursts) {
    Source source;
    Burst<Ip4> ip4;
    test::receive_ip4(source, packets, ip4);
    const BurstRoutes routes(ip4, *table, policies);
    EXPECT_EQ(routes.found().size(), runs);
    for (std::size_t i = 0; i < packets.size(); ++i) {
      wire::Ipv4Address destination{};
      if (packets[i].size() >= 20) destination = wire::read_ipv4(&packets[i][16]);
      Route alone{};
      table->find(&destination, &alone, 1);
      EXPECT_EQ(routes.of(i), alone) << i;
    }
    end_all(ip4, source.ends());
  }
}

// --- order -----------------------------------------------------------------------------------------------------------

// Puts the packets of arrival `order` into one burst of Ip4, in that order, and restores.
void restore(const std::vector<std::size_t>& order, std::size_t received) {
  Source source;
  Burst<Frame> frames;
  receive_numbered(source, received, frames);
  std::vector<std::unique_ptr<Burst<Frame>>> alone(received);
  frames.drain([&](Packet<Frame> p, const Row<Frame>& row, std::size_t i) -> Done {
    alone[i] = std::make_unique<Burst<Frame>>();
    return alone[i]->push(std::move(p), row);
  });
  Burst<Ip4> ip4;
  for (const std::size_t i : order)
    alone[i]->drain(
        [&](Packet<Frame> p, const Row<Frame>& row) -> Done { return Gate::ip4(std::move(p), row, kNoLink, ip4); });
  ip4.restore_arrival_order();
  std::vector<std::size_t> sorted = order;
  std::sort(sorted.begin(), sorted.end());
  ASSERT_EQ(ip4.size(), sorted.size());
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    EXPECT_EQ(static_cast<std::size_t>(ip4.row(i).from.place()), sorted[i]);
    EXPECT_EQ(ip4.bytes(i)[0], sorted[i]);
  }
  end_all(ip4, source.ends());
  for (auto& burst : alone) end_all(*burst, source.ends());
}

TEST(BurstOf, RestoresArrivalOrder) {
  restore({}, 0);
  restore({0}, 1);
  restore({63}, 64);
  restore({1, 0}, 2);
  restore({0, 2, 4, 6, 1, 3, 5, 7}, 8);
  restore({9, 3, 63, 0, 17}, 64);
  std::vector<std::size_t> all(kBurstSize);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = kBurstSize - 1 - i;
  restore(all, kBurstSize);
  test::Random random(1);
  for (int round = 0; round < 20; ++round) {
    for (std::size_t i = all.size() - 1; i > 0; --i) std::swap(all[i], all[test::pick(random, i + 1)]);
    restore({all.begin(), all.begin() + static_cast<std::ptrdiff_t>(test::pick(random, kBurstSize + 1))}, kBurstSize);
  }
}

// --- taken apart, and put together -----------------------------------------------------------------------------------

// The first octets of a burst's packets, each of which must stand beside its own row.
std::vector<int> numbers_of(const Burst<Frame>& burst) {
  std::vector<int> numbers;
  for (std::size_t i = 0; i < burst.size(); ++i) {
    numbers.push_back(burst.bytes(i)[0]);
    EXPECT_EQ(static_cast<int>(burst.row(i).from.place()), numbers.back());
  }
  return numbers;
}

std::vector<int> from_to(std::size_t first, std::size_t end) {
  std::vector<int> numbers;
  for (std::size_t i = first; i < end; ++i) numbers.push_back(static_cast<int>(i));
  return numbers;
}

// Leaves those of `kept`, which ascend: what other steps have taken out is missing from a burst.
void leave_only(Burst<Frame>& burst, const std::vector<int>& kept, Ends& ends) {
  Burst<Frame> all;
  burst.take_all(all);
  all.drain([&](Packet<Frame> p, const Row<Frame>& row) -> Done {
    if (std::binary_search(kept.begin(), kept.end(), static_cast<int>(row.from.place())))
      return burst.push(std::move(p), row);
    return ends.end(std::move(p), kAnyCause);
  });
}

TEST(BurstOf, SplitFromAnyPlaceKeepsBothHalvesInOrder) {
  Source source;
  for (const std::size_t n : {0, 1, 2, 63, 64})
    for (std::size_t place = 0; place <= kBurstSize; ++place) {
      Burst<Frame> burst;
      Burst<Frame> later;
      receive_numbered(source, n, burst);
      burst.split_from(static_cast<Arrival>(place), later);
      EXPECT_EQ(numbers_of(burst), from_to(0, std::min(place, n))) << n << " from " << place;
      EXPECT_EQ(numbers_of(later), from_to(std::min(place, n), n)) << n << " from " << place;
      end_all(burst, source.ends());
      end_all(later, source.ends());
    }
}

TEST(BurstOf, SplitsAtAPlaceThatIsNotThere) {
  Source source;
  Burst<Frame> burst;
  Burst<Frame> later;
  receive_numbered(source, 10, burst);
  leave_only(burst, {1, 4, 8}, source.ends());
  burst.split_from(static_cast<Arrival>(5), later);
  EXPECT_EQ(numbers_of(burst), (std::vector<int>{1, 4}));
  EXPECT_EQ(numbers_of(later), (std::vector<int>{8}));
  end_all(burst, source.ends());
  end_all(later, source.ends());
}

TEST(BurstOf, TakesTheFirstUntilNoneIsLeft) {
  Source source;
  Burst<Frame> burst;
  receive_numbered(source, kBurstSize, burst);
  for (std::size_t i = 0; i < kBurstSize; ++i) {
    Burst<Frame> one;
    burst.take_first(one);
    EXPECT_EQ(numbers_of(one), from_to(i, i + 1));
    EXPECT_EQ(numbers_of(burst), from_to(i + 1, kBurstSize));
    end_all(one, source.ends());
  }
  EXPECT_TRUE(burst.empty());
}

TEST(BurstOf, TakesAllBehindWhatIsThere) {
  Source source;
  Burst<Frame> burst;
  Burst<Frame> later;
  Burst<Frame> none;
  receive_numbered(source, kBurstSize, burst);
  burst.split_from(static_cast<Arrival>(40), later);
  later.take_all(burst);
  EXPECT_TRUE(later.empty());
  none.take_all(burst);
  EXPECT_EQ(numbers_of(burst), from_to(0, kBurstSize));
  burst.take_all(none);
  EXPECT_TRUE(burst.empty());
  EXPECT_EQ(numbers_of(none), from_to(0, kBurstSize));
  end_all(none, source.ends());
}

// As the last step of a burst does where some of its packets leave in fragments: whatever is cut out, and wherever it
// is cut, all of them come by once, and in order.
TEST(BurstOf, TakenApartAtRandomNothingIsLost) {
  Source source;
  test::Random random(7);
  for (int round = 0; round < 200; ++round) {
    Burst<Frame> burst;
    std::vector<int> kept;
    receive_numbered(source, kBurstSize, burst);
    for (int i = 0; i < static_cast<int>(kBurstSize); ++i)
      if (test::pick(random, 3) != 0) kept.push_back(i);
    leave_only(burst, kept, source.ends());
    std::vector<int> seen;
    while (!burst.empty()) {
      Burst<Frame> one;
      Burst<Frame> later;
      burst.split_from(static_cast<Arrival>(test::pick(random, kBurstSize + 1)), later);
      while (!burst.empty() && test::pick(random, 4) != 0) {
        burst.take_first(one);
        seen.push_back(numbers_of(one).front());
        end_all(one, source.ends());
      }
      later.take_all(burst);
    }
    ASSERT_EQ(seen, kept);
  }
}

}  // namespace
}  // namespace strata
