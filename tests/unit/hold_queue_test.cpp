// The queue of packets that wait for their next hop: bounds, order, and that nothing is lost.
#include <gtest/gtest.h>

#include <deque>

#include "dataplane/packet/hold_queue.hpp"
#include "dataplane/wire/bytes.hpp"
#include "tests/unit/packets.hpp"

namespace strata {
namespace {

using stage::Ip4;
using stage::Unresolved;
using test::end_all;
using test::Octets;
using test::Source;

constexpr std::size_t kNeighbors = 100;
constexpr unsigned kEach = 16;
constexpr std::size_t kPorts = 2;
constexpr PortId kPort(0);
constexpr PortId kOtherPort(1);

// Four octets that no other packet of a test has.
Octets numbered(std::uint32_t n) {
  Octets octets(4);
  wire::store_be32(octets.data(), n);
  return octets;
}

class Held : public testing::Test {
 protected:
  // n packets for one neighbor, with the numbers that come next.
  void hold(std::uint32_t neighbor, std::size_t n, PortId port = kPort) {
    std::vector<Octets> packets;
    for (std::size_t i = 0; i < n; ++i) packets.push_back(numbered(next_++));
    Burst<Ip4> ip4;
    Burst<Unresolved> unresolved;
    test::receive_ip4(source_, packets, ip4);
    ip4.drain([&](Packet<Ip4> p, const Row<Ip4>& row) -> Done {
      return Gate::unresolved(std::move(p), row, AdjId<V4>(neighbor), unresolved);
    });
    unresolved.drain([&](Packet<Unresolved> p, const Row<Unresolved>& row) -> Done {
      EXPECT_TRUE(queue_.has_room(row.waits_for, port));
      return queue_.push(std::move(p), row, port);
    });
  }
  // The numbers of those that come out at once; `already` are in the burst.
  std::vector<std::uint32_t> take(std::uint32_t neighbor, std::size_t already = 0) {
    Burst<Unresolved> out;
    Burst<Ip4> others;
    test::receive_ip4(source_, std::vector<Octets>(already, numbered(0)), others);
    others.drain([&](Packet<Ip4> p, const Row<Ip4>& row) -> Done {
      return Gate::unresolved(std::move(p), row, AdjId<V4>(neighbor), out);
    });
    queue_.take(AdjId<V4>(neighbor), out, source_.ends());
    std::vector<std::uint32_t> numbers;
    for (std::size_t i = already; i < out.size(); ++i) {
      EXPECT_EQ(out.row(i).waits_for, AdjId<V4>(neighbor));
      EXPECT_EQ(out.bytes(i).size(), 4u);
      numbers.push_back(wire::load_be32(out.bytes(i).data()));
    }
    end_all(out, source_.ends());
    return numbers;
  }

  Source source_{2047};
  HoldQueue queue_{kNeighbors, kPorts, kEach};
  std::uint32_t next_ = 1;
};

TEST_F(Held, GivesBackInOrderWithTheirRows) {
  hold(7, 3);
  hold(8, 1);
  hold(7, 2);
  EXPECT_EQ(queue_.held(), 6u);
  EXPECT_FALSE(queue_.empty(AdjId<V4>(7)));
  EXPECT_EQ(take(7), (std::vector<std::uint32_t>{1, 2, 3, 5, 6}));
  EXPECT_TRUE(queue_.empty(AdjId<V4>(7)));
  EXPECT_TRUE(take(7).empty());
  EXPECT_EQ(take(8), (std::vector<std::uint32_t>{4}));
  EXPECT_EQ(queue_.held(), 0u);
}

TEST_F(Held, TheRowComesBackAsItWas) {
  Burst<Ip4> ip4;
  Burst<Unresolved> unresolved;
  const Origin from{SaId(3), PortId(5), Side::protected_side, Arrival{}};
  test::receive_ip4(source_, std::vector<Octets>(2, numbered(9)), ip4, from);
  ip4.drain([&](Packet<Ip4> p, const Row<Ip4>& row, std::size_t i) -> Done {
    if (i == 0) return Gate::unresolved(std::move(p), row, AdjId<V4>(1), unresolved);
    const Row<Ip4> dx4{.from = row.from, .adj = AdjId<V4>(1), .carried = wire::Ecn::ce};
    return Gate::unresolved(std::move(p), dx4, AdjId<V4>(1), unresolved);
  });
  unresolved.drain(
      [&](Packet<Unresolved> p, const Row<Unresolved>& row) -> Done { return queue_.push(std::move(p), row, kPort); });
  queue_.take(AdjId<V4>(1), unresolved, source_.ends());
  ASSERT_EQ(unresolved.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    const Row<Unresolved>& row = unresolved.row(i);
    test::expect_origin(row.from, {SaId(3), PortId(5), Side::protected_side, static_cast<Arrival>(i)});
    EXPECT_EQ(row.resume, Resume::forward);
    EXPECT_EQ(row.carried, i == 0 ? wire::Ecn::not_ect : wire::Ecn::ce);
    EXPECT_EQ(row.cross_connect, i == 1);
  }
  end_all(unresolved, source_.ends());
}

TEST_F(Held, OneNeighborsBoundIsItsOwn) {
  hold(1, kEach - 1);
  EXPECT_TRUE(queue_.has_room(AdjId<V4>(1), kPort));
  hold(1, 1);
  EXPECT_FALSE(queue_.has_room(AdjId<V4>(1), kPort));
  EXPECT_TRUE(queue_.has_room(AdjId<V4>(2), kPort));
  EXPECT_EQ(take(1).size(), kEach);
  EXPECT_TRUE(queue_.has_room(AdjId<V4>(1), kPort));
}

TEST_F(Held, TheBoundOfAPortHoldsForEachOfItsNeighbors) {
  for (std::uint32_t i = 0; i < HoldQueue::kEachPort / kEach; ++i) hold(i, kEach);
  EXPECT_EQ(queue_.held(), HoldQueue::kEachPort);
  EXPECT_FALSE(queue_.has_room(AdjId<V4>(99), kPort)) << "nobody waits for it, and still";
  EXPECT_EQ(take(0).size(), kEach);
  EXPECT_TRUE(queue_.has_room(AdjId<V4>(99), kPort));
  hold(99, kEach);
  EXPECT_FALSE(queue_.has_room(AdjId<V4>(0), kPort));
  for (std::uint32_t i = 0; i < kNeighbors; ++i) (void)take(i);
  EXPECT_EQ(queue_.held(), 0u);
}

TEST_F(Held, ABurstTakesWhatFitsAndTheRestStaysInOrder) {
  hold(1, kEach);
  EXPECT_EQ(take(1, kBurstSize), (std::vector<std::uint32_t>{}));
  EXPECT_EQ(take(1, kBurstSize - 3), (std::vector<std::uint32_t>{1, 2, 3}));
  hold(1, 2);
  EXPECT_EQ(take(1).size(), kEach - 1);
  EXPECT_EQ(queue_.held(), 0u);
}

TEST_F(Held, APortThatIsFullTakesNoRoomOfAnother) {
  constexpr std::uint32_t kLines = HoldQueue::kEachPort / kEach;
  for (std::uint32_t i = 0; i < kLines; ++i) hold(i, kEach);
  EXPECT_FALSE(queue_.has_room(AdjId<V4>(90), kPort));
  for (std::uint32_t i = 0; i < kLines; ++i) hold(kLines + i, kEach, kOtherPort);
  EXPECT_FALSE(queue_.has_room(AdjId<V4>(90), kOtherPort));
  EXPECT_EQ(queue_.held(), 2 * HoldQueue::kEachPort);
  EXPECT_EQ(take(kLines).size(), kEach);
  EXPECT_TRUE(queue_.has_room(AdjId<V4>(90), kOtherPort));
  EXPECT_FALSE(queue_.has_room(AdjId<V4>(90), kPort));
  for (std::uint32_t i = 0; i < 2 * kLines; ++i) (void)take(i);
  EXPECT_EQ(queue_.held(), 0u);
}

// Against one std::deque a neighbor.
TEST_F(Held, AtRandomNothingIsLostOrOutOfOrder) {
  test::Random random(1122);
  std::vector<std::deque<std::uint32_t>> plain(kNeighbors);
  std::size_t held = 0;
  for (std::uint64_t step = 0; step < test::rounds(20'000); ++step) {
    const auto i = static_cast<std::uint32_t>(test::pick(random, kNeighbors));
    ASSERT_EQ(queue_.has_room(AdjId<V4>(i), kPort), held < HoldQueue::kEachPort && plain[i].size() < kEach);
    ASSERT_EQ(queue_.empty(AdjId<V4>(i)), plain[i].empty());
    if (queue_.has_room(AdjId<V4>(i), kPort) && test::pick(random, 16) != 0) {
      const std::size_t room = std::min(kEach - plain[i].size(), HoldQueue::kEachPort - held);
      const std::size_t n = 1 + test::pick(random, room);
      for (std::size_t k = 0; k < n; ++k) plain[i].push_back(next_ + static_cast<std::uint32_t>(k));
      hold(i, n);
      held += n;
    } else {
      ASSERT_EQ(take(i), (std::vector<std::uint32_t>(plain[i].begin(), plain[i].end())));
      held -= plain[i].size();
      plain[i].clear();
    }
    ASSERT_EQ(queue_.held(), held);
  }
  for (std::uint32_t i = 0; i < kNeighbors; ++i)
    ASSERT_EQ(take(i), (std::vector<std::uint32_t>(plain[i].begin(), plain[i].end())));
  EXPECT_EQ(source_.ends().count(Cause::park_wrong_stage), 0u);
}

}  // namespace
}  // namespace strata
