#include <gtest/gtest.h>
#include <rte_ring.h>

#include <memory>

#include "dataplane/ipsec/aead.hpp"
#include "dataplane/ipsec/security_association.hpp"
#include "dataplane/packet/parking.hpp"
#include "dataplane/packet/straight.hpp"
#include "tests/unit/dataplane_env.hpp"
#include "tests/unit/mbuf_probe.hpp"
#include "tests/unit/packets.hpp"

namespace strata {
namespace {

using stage::Decrypted;
using stage::EspIn;
using stage::Frame;
using stage::Host;
using stage::Ip4;
using stage::Ip6;
using stage::Out;
using stage::Sr6;
using test::counted;
using test::end_all;
using test::expect_origin;
using test::fields_of;
using test::kWan;
using test::Octets;
using test::octets_of;
using test::receive_numbered;
using test::Source;
using wire::Ecn;

constexpr auto kLink = static_cast<LinkLength>(14);

Authentic proof() {
  const std::uint8_t icv[kIcvLength] = {};
  return *AeadVerdict::compare(icv, icv);
}

// One packet taken through transitions. Its buffer is soiled before the door; behind it and after each transition
// nothing may be left of that.
class Gates : public testing::TestWithParam<std::uint8_t> {
 protected:
  // frame: as fed; the packet is then at Frame.
  void arrive(const Octets& frame) {
    buffer_ = source_.feed(frame);
    test::soil(buffer_, GetParam());
    test::own_again(buffer_);  // no driver delivers what belongs to another
    ASSERT_EQ(source_.receive(frames_, kWan), 1u);
    expect_clean(frame.size(), "rx");
  }
  void expect_clean(std::size_t length, const char* after) {
    const test::MbufFields fields = fields_of(buffer_);
    EXPECT_EQ(fields.flags, 0u) << after;
    EXPECT_EQ(fields.port, test::kNoPort) << after;
    EXPECT_EQ(fields.type, 0u) << after;
    EXPECT_EQ(fields.vlan, 0u) << after;
    EXPECT_EQ(fields.outer_vlan, 0u) << after;
    EXPECT_EQ(fields.hash, 0u) << after;
    if (!out_.empty()) {
      EXPECT_EQ(fields.length, length) << after;  // what drivers read
    }
    EXPECT_EQ(fields.segment_length, length) << after;
    EXPECT_EQ(fields.segments, 1u) << after;
  }

  // frames_ -> esp_, whose bytes are those of the frame from 14 + 20 on.
  void to_esp(std::size_t length) {
    frames_.drain(
        [&](Packet<Frame> p, const Row<Frame>& row) -> Done { return Gate::host(std::move(p), row, kLink, host_); });
    expect_clean(length - 14, "host");
    host_.drain([&](Packet<Host> p, const Row<Host>& row) -> Done {
      return Gate::esp(std::move(p), row, {20, length - 34}, SaId(7), wire::Ipv4Address{0xc0000202}, Ecn::ce, esp_);
    });
    expect_clean(length - 34, "esp");
  }

  Source source_;
  const void* buffer_ = nullptr;
  Burst<Frame> frames_;
  Burst<Host> host_;
  Burst<EspIn> esp_;
  Burst<Decrypted> decrypted_;
  Burst<Ip6> ip6_;
  Burst<Sr6> sr6_;
  Burst<Ip4> ip4_;
  Burst<Out> out_;
};
INSTANTIATE_TEST_SUITE_P(Soil, Gates, testing::Values(0x00, 0xa5, 0xff));

TEST_P(Gates, Duty59_TheTunnelsWayForgetsAllButWhatIsNamed) {
  const Octets frame = counted(200);
  arrive(frame);
  EXPECT_EQ(octets_of(frames_, 0), frame);
  expect_origin(frames_.row(0).from, kWan);

  to_esp(200);
  EXPECT_EQ(octets_of(esp_, 0), counted(166, 34));
  expect_origin(esp_.row(0).from, {SaId(7), kWan.port(), kWan.side(), kWan.place()});
  const wire::Ipv4Address source = esp_.row(0).source;
  EXPECT_EQ(source.value, 0xc0000202u);
  EXPECT_EQ(esp_.row(0).carried, Ecn::ce);

  esp_.drain([&](Packet<EspIn> p, const Row<EspIn>& row) -> Done {
    return Gate::decrypted(std::move(p), row, proof(), decrypted_);
  });
  expect_origin(decrypted_.row(0).from, {SaId(7), kWan.port(), kWan.side(), kWan.place()});
  decrypted_.drain([&](Packet<Decrypted> p, const Row<Decrypted>& row) -> Done {
    return Gate::opened(std::move(p), row, {16, 120}, ip6_);
  });
  expect_clean(120, "opened");
  EXPECT_EQ(octets_of(ip6_, 0), counted(120, 50));
  expect_origin(ip6_.row(0).from, {SaId(7), kWan.port(), Side::protected_side, kWan.place()});
  EXPECT_EQ(ip6_.row(0).carried, Ecn::ce);

  ip6_.drain([&](Packet<Ip6> p, const Row<Ip6>& row) -> Done {
    return Gate::at_sid(std::move(p), row, 110, SidId(5), Ecn::ect1, sr6_);
  });
  expect_clean(110, "at_sid");
  EXPECT_EQ(octets_of(sr6_, 0), counted(110, 50));
  expect_origin(sr6_.row(0).from, {SaId(7), kWan.port(), Side::protected_side, kWan.place()});
  EXPECT_EQ(sr6_.row(0).sid, SidId(5));
  EXPECT_EQ(sr6_.row(0).ecn, Ecn::ect1);

  sr6_.drain([&](Packet<Sr6> p, const Row<Sr6>& row) -> Done {
    return Gate::decapsulated(std::move(p), row, static_cast<OuterLength>(40), AdjId<V4>(9), ip4_);
  });
  expect_clean(70, "decapsulated");
  EXPECT_EQ(octets_of(ip4_, 0), counted(70, 90));
  expect_origin(ip4_.row(0).from, {SaId(7), kWan.port(), Side::protected_side, kWan.place()});
  EXPECT_EQ(ip4_.row(0).adj, AdjId<V4>(9));
  EXPECT_EQ(ip4_.row(0).carried, Ecn::ect1);

  const EthernetHeader header{0xde, 0xad, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0x08, 0x00};
  ip4_.drain([&](Packet<Ip4> p, const Row<Ip4>& row) -> Done {
    return Gate::linked(std::move(p), row, 60, header, PortId(2), out_);
  });
  expect_clean(74, "linked");
  EXPECT_EQ(octets_of(out_, 0), test::join(Octets(header.begin(), header.end()), counted(60, 90)));
  EXPECT_EQ(out_.row(0).port, PortId(2));
  end_all(out_, source_.ends());
}

TEST_P(Gates, Duty59_TheFastPathsForgetTheSame) {
  arrive(counted(200));
  frames_.drain([&](Packet<Frame> p, const Row<Frame>& row) -> Done {
    const Row<EspIn> like{.from = Origin(SaId(1), PortId(9), Side::either_side, Arrival{5}),
                          .source = wire::Ipv4Address{0xc0000202},
                          .carried = Ecn::ce};
    return Gate::esp_like(std::move(p), row, {34, 166}, SaId(7), like, esp_);
  });
  expect_clean(166, "esp_like");
  EXPECT_EQ(octets_of(esp_, 0), counted(166, 34));
  expect_origin(esp_.row(0).from, {SaId(7), kWan.port(), kWan.side(), kWan.place()});
  EXPECT_EQ(wire::Ipv4Address(esp_.row(0).source).value, 0xc0000202u);
  EXPECT_EQ(esp_.row(0).carried, Ecn::ce);
  esp_.drain([&](Packet<EspIn> p, const Row<EspIn>& row) -> Done {
    return Gate::decrypted(std::move(p), row, proof(), decrypted_);
  });
  const std::array<std::uint8_t, 32> addresses{};
  LastSid last;
  last.note(addresses.data(), 3, SidId(5), AdjId<V4>(7));
  const LetIn* let_in = last.recall(addresses.data(), 3);
  ASSERT_NE(let_in, nullptr);
  EXPECT_EQ(let_in->sid(), SidId(5));
  EXPECT_EQ(let_in->cross_connect(), AdjId<V4>(7));
  const EthernetHeader header{0xde, 0xad, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0x08, 0x00};
  decrypted_.drain([&](Packet<Decrypted> p, const Row<Decrypted>& row) -> Done {
    return Gate::cross_connected(std::move(p), row, *let_in, {56, 60}, header, PortId(2), out_);
  });
  expect_clean(74, "cross_connected");
  EXPECT_EQ(octets_of(out_, 0), test::join(Octets(header.begin(), header.end()), counted(60, 90)));
  EXPECT_EQ(out_.row(0).port, PortId(2));
  EXPECT_EQ(out_.row(0).place, kWan.place());
  end_all(out_, source_.ends());
}

TEST_P(Gates, Duty59_Ip4InClear) {
  arrive(counted(64));
  frames_.drain([&](Packet<Frame> p, const Row<Frame>& row) -> Done {
    return Gate::ip4(std::move(p), row, static_cast<LinkLength>(18), ip4_);
  });
  expect_clean(46, "ip4");
  EXPECT_EQ(octets_of(ip4_, 0), counted(46, 18));
  expect_origin(ip4_.row(0).from, kWan);
  EXPECT_TRUE(ip4_.row(0).adj.is_none());
  EXPECT_EQ(ip4_.row(0).carried, Ecn::not_ect);
  end_all(ip4_, source_.ends());
}

TEST_P(Gates, Duty59_Ip6InClearAndItsSid) {
  arrive(counted(64));
  frames_.drain([&](Packet<Frame> p, const Row<Frame>& row) -> Done {
    return Gate::ip6(std::move(p), row, static_cast<LinkLength>(22), ip6_);
  });
  expect_clean(42, "ip6");
  EXPECT_EQ(octets_of(ip6_, 0), counted(42, 22));
  expect_origin(ip6_.row(0).from, kWan);
  EXPECT_EQ(ip6_.row(0).carried, Ecn::not_ect);
  ip6_.drain([&](Packet<Ip6> p, const Row<Ip6>& row) -> Done {
    return Gate::at_sid(std::move(p), row, 42, SidId(1), Ecn::ect0, sr6_);
  });
  expect_origin(sr6_.row(0).from, kWan);
  // The SID takes clear traffic and says where that goes; it still came by no SA.
  sr6_.drain([&](Packet<Sr6> p, const Row<Sr6>& row) -> Done {
    return Gate::decapsulated(std::move(p), row, static_cast<OuterLength>(0), AdjId<V4>(0), ip4_);
  });
  expect_origin(ip4_.row(0).from, {SaId::none(), kWan.port(), Side::either_side, kWan.place()});
  end_all(ip4_, source_.ends());
}

TEST(Gate, CutsMayTakeAllAndNothing) {
  Source source;
  source.feed(counted(14));
  Burst<Frame> frames;
  Burst<Ip6> ip6;
  ASSERT_EQ(source.receive(frames, kWan), 1u);
  frames.drain([&](Packet<Frame> p, const Row<Frame>& row) -> Done {
    return Gate::ip6(std::move(p), row, static_cast<LinkLength>(14), ip6);
  });
  EXPECT_TRUE(ip6.bytes(0).empty());
  end_all(ip6, source.ends());
}

#ifndef NDEBUG
TEST(LostPacketDeathTest, IsSeenInADebugBuild) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");  // DPDK has threads
  Source source;
  Burst<Frame> frames;
  receive_numbered(source, 1, frames);
  EXPECT_DEATH(frames.drain([&](Packet<Frame> p, const Row<Frame>& row) -> Done {
    Packet<Frame> other = std::move(p);
    Burst<Frame> unseen;
    return unseen.push(std::move(other), row);
  }),
               "a burst was lost");
  EXPECT_DEATH(frames.drain([&](Packet<Frame> p, const Row<Frame>& row) -> Done {
    Done first = frames.push(std::move(p), row);
    (void)source.ends().end(std::move(p), test::kAnyCause);  // NOLINT(bugprone-use-after-move): that is the fault
    return first;
  }),
               "a packet was used after it was moved");
  end_all(frames, source.ends());
}
#endif

// --- ends ------------------------------------------------------------------------------------------------------------

TEST(EndsLedger, CountsEachCauseAndGivesBuffersBack) {
  Source source;
  Ends ends;
  Burst<Frame> frames;
  for (std::size_t i = 0; i < 9; ++i) source.feed(counted(20));
  ASSERT_EQ(source.receive(frames, kWan), 9u);
  EXPECT_EQ(ends.first(), Cause::count_);
  const Cause causes[] = {Cause::esp_replayed, Cause::esp_replayed,      Cause::esp_dummy,
                          Cause::punt_icmp,    Cause::punt_ike,          Cause::punt_icmp,
                          Cause::tx_full,      Cause::esp_nat_keepalive, Cause::punt_local};
  frames.drain([&](Packet<Frame> p, const Row<Frame>&, std::size_t i) -> Done {
    Done done = ends.end(std::move(p), causes[i]);
    EXPECT_EQ(ends.first(), i < 4 ? Cause::esp_replayed : causes[4]);
    if (i == 3) ends.mark();
    return done;
  });
  EXPECT_EQ(ends.count(Cause::esp_replayed), 2u);
  EXPECT_EQ(ends.count(Cause::esp_dummy), 1u);
  EXPECT_EQ(ends.count(Cause::punt_icmp), 2u);
  EXPECT_EQ(ends.count(Cause::esp_auth_failed), 0u);
  EXPECT_EQ(ends.count(Fate::dropped), 3u);
  EXPECT_EQ(ends.count(Fate::consumed), 2u);
  EXPECT_EQ(ends.count(Fate::punted), 4u);
  EXPECT_EQ(source.pool().in_use(), 9u);
  ends.flush();
  EXPECT_EQ(source.pool().in_use(), 0u);
  ends.flush();
  EXPECT_EQ(ends.count(Fate::dropped), 3u);
}

TEST(EndsLedger, EveryCauseHasItsOwnCount) {
  Source source;
  Ends ends;
  for (std::size_t i = 0; i < kCauseCount; ++i) {
    Burst<Frame> frames;
    source.feed(counted(20));
    ASSERT_EQ(source.receive(frames, kWan), 1u);
    frames.drain(
        [&](Packet<Frame> p, const Row<Frame>&) -> Done { return ends.end(std::move(p), static_cast<Cause>(i)); });
    for (std::size_t k = 0; k < kCauseCount; ++k) EXPECT_EQ(ends.count(static_cast<Cause>(k)), k <= i ? 1u : 0u);
  }
  EXPECT_EQ(ends.count(Fate::dropped) + ends.count(Fate::consumed) + ends.count(Fate::punted), kCauseCount);
}

TEST(EndsLedger, FlushesItselfWhenFullAndWhenItGoes) {
  Source source;
  {
    Ends ends;
    Burst<Frame> frames;
    for (int burst = 0; burst < 2; ++burst) {
      receive_numbered(source, 50, frames);
      end_all(frames, ends);
    }
    EXPECT_EQ(source.pool().in_use(), 100u - kBurstSize);
  }
  EXPECT_EQ(source.pool().in_use(), 0u);
}

using TwoEnds = EndsOf<Cause::esp_truncated, Cause::punt_ike>;
static_assert(TwoEnds::cause_type(Cause::punt_ike).value() == Cause::punt_ike);
static_assert(TwoEnds::kListed == std::array{Cause::esp_truncated, Cause::punt_ike});

TEST(EndsLedger, AStageEndsOnItsWorkersLedger) {
  Source source;
  const TwoEnds ends(source.ends());
  Burst<Frame> frames;
  receive_numbered(source, 3, frames);
  frames.drain([&](Packet<Frame> p, const Row<Frame>&, std::size_t i) -> Done {
    if (i == 0) return ends.end(std::move(p), Cause::punt_ike);
    return ends.end(std::move(p), Cause::esp_truncated);
  });
  EXPECT_EQ(source.ends().count(Cause::punt_ike), 1u);
  EXPECT_EQ(source.ends().count(Cause::esp_truncated), 2u);
}

// The next step of a loop, which only keeps its packets.
struct KeepStep {
  using stage_type = Frame;
  Burst<Frame>& kept;
  Done input(Packet<Frame> packet, const Row<Frame>& row) const { return kept.push(std::move(packet), row); }
};
static_assert(!LooksAhead<Straight<KeepStep>> && !LooksAhead<Burst<Frame>>);

// Duty 70: a jumbo frame that a driver spreads over buffers goes on as one; where it fits into none, it ends. Received
// into a burst, and straight into a step.
class ReceivedChains : public testing::TestWithParam<bool> {};

TEST_P(ReceivedChains, Duty70_FramesOfSeveralSegmentsAreOneBufferOrNone) {
  Source source;
  test::RawBuffers raw(test::unique_name("raw"), kPrivateSize);
  source.feed(counted(20));
  void* whole = raw.make_of_two_segments(60);
  const Octets expected = test::octets_of_chain(whole);
  ASSERT_EQ(rte_ring_enqueue(rte_ring_lookup(source.rx_ring().c_str()), whole), 0);
  ASSERT_EQ(rte_ring_enqueue(rte_ring_lookup(source.rx_ring().c_str()), raw.make_of_two_segments(1025)), 0);
  source.feed(counted(21));
  Burst<Frame> frames;
  Straight step(KeepStep{frames});
  EXPECT_EQ(GetParam() ? source.receive(kBurstSize, step, kWan) : source.receive(frames, kWan), 4u);
  ASSERT_EQ(frames.size(), 3u);
  EXPECT_EQ(step.size(), GetParam() ? 3u : 0u);
  EXPECT_EQ(static_cast<int>(frames.row(0).from.place()), 0);
  EXPECT_EQ(octets_of(frames, 0), counted(20));
  EXPECT_EQ(octets_of(frames, 2), counted(21));
  EXPECT_EQ(static_cast<int>(frames.row(1).from.place()), 1);
  EXPECT_EQ(Octets(frames.bytes(1).begin(), frames.bytes(1).end()), expected);
  EXPECT_EQ(static_cast<int>(frames.row(2).from.place()), 3);
  EXPECT_EQ(source.ends().count(Cause::rx_multi_segment), 1u);
  end_all(frames, source.ends());
  source.ends().flush();
  EXPECT_EQ(raw.in_use(), 0u);
}

INSTANTIATE_TEST_SUITE_P(BurstAndStep, ReceivedChains, testing::Bool());

// What somebody else may be looking at is not changed in place.
TEST(ReceivedShared, Duty70_BuffersOfSeveralOwnersEndAndChainsOfSuchAreCopied) {
  Source source;
  test::RawBuffers raw(test::unique_name("raw"), kPrivateSize);
  const void* held = source.feed(counted(20));
  test::share(held);
  const void* cloned = source.feed(counted(21));
  test::make_cloned(cloned);
  void* chain = raw.make_of_two_segments(60);
  const Octets expected = test::octets_of_chain(chain);
  test::share(chain);
  ASSERT_EQ(rte_ring_enqueue(rte_ring_lookup(source.rx_ring().c_str()), chain), 0);
  source.feed(counted(22));
  Burst<Frame> frames;
  EXPECT_EQ(source.receive(frames, kWan), 4u);
  EXPECT_EQ(source.ends().count(Cause::rx_shared), 2u);
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(octets_of(frames, 0), expected);
  EXPECT_EQ(static_cast<int>(frames.row(0).from.place()), 2);
  EXPECT_EQ(octets_of(frames, 1), counted(22));
  test::own_again(cloned);
  end_all(frames, source.ends());
  source.ends().flush();
  test::unshare(held);
  test::unshare(chain);
  EXPECT_EQ(raw.in_use(), 0u);
}

// --- parking ---------------------------------------------------------------------------------------------------------

// A ring as it would stand between two workers.
class ParkingRing : public testing::Test {
 protected:
  void SetUp() override {
    ring_ = rte_ring_create(test::unique_name("parking").c_str(), 128, 0, 0);
    ASSERT_NE(ring_, nullptr);
  }
  void TearDown() override { rte_ring_free(ring_); }

  auto into_ring() {
    return [this](Parked parked) { ASSERT_EQ(rte_ring_enqueue(ring_, Parked::leave(std::move(parked))), 0); };
  }
  Parked out_of_ring() {
    void* buffer = nullptr;
    EXPECT_EQ(rte_ring_dequeue(ring_, &buffer), 0);
    return Parked::arrive(buffer);
  }

  // n packets at Ip4, with rows that differ.
  void make_ip4(std::size_t n) {
    Burst<Frame> frames;
    Burst<Ip6> ip6;
    Burst<Sr6> sr6;
    receive_numbered(source_, n, frames);
    frames.drain([&](Packet<Frame> p, const Row<Frame>& row) -> Done {
      return Gate::ip6(std::move(p), row, static_cast<LinkLength>(0), ip6);
    });
    ip6.drain([&](Packet<Ip6> p, const Row<Ip6>& row, std::size_t i) -> Done {
      return Gate::at_sid(std::move(p), row, 2, SidId(0), static_cast<Ecn>(i % 4), sr6);
    });
    sr6.drain([&](Packet<Sr6> p, const Row<Sr6>& row, std::size_t i) -> Done {
      return Gate::decapsulated(std::move(p), row, static_cast<OuterLength>(0),
                                AdjId<V4>(static_cast<std::uint32_t>(1000 + i)), ip4_);
    });
  }
  void park_ip4() {
    ip4_.drain(
        [&](Packet<Ip4> p, const Row<Ip4>& row) -> Done { return Parking::park(std::move(p), row, into_ring()); });
  }

  Source source_;
  rte_ring* ring_ = nullptr;
  Burst<Ip4> ip4_;
};

TEST_F(ParkingRing, BringsPacketAndRowBack) {
  make_ip4(kBurstSize);
  park_ip4();
  EXPECT_TRUE(ip4_.empty());
  for (std::size_t i = 0; i < kBurstSize; ++i) (void)Parking::pick_up(out_of_ring(), ip4_, source_.ends());
  ASSERT_EQ(ip4_.size(), kBurstSize);
  for (std::size_t i = 0; i < kBurstSize; ++i) {
    const Row<Ip4>& row = ip4_.row(i);
    EXPECT_EQ(octets_of(ip4_, i), (Octets{static_cast<std::uint8_t>(i), 0x55}));
    expect_origin(row.from, {SaId::none(), kWan.port(), Side::either_side, static_cast<Arrival>(i)});
    EXPECT_EQ(row.adj, AdjId<V4>(static_cast<std::uint32_t>(1000 + i)));
    EXPECT_EQ(row.carried, static_cast<Ecn>(i % 4));
  }
  EXPECT_EQ(source_.ends().count(Cause::park_wrong_stage), 0u);
  end_all(ip4_, source_.ends());
}

TEST_F(ParkingRing, AtAnotherStageThePacketEnds) {
  make_ip4(1);
  park_ip4();
  Burst<Out> out;
  (void)Parking::pick_up(out_of_ring(), out, source_.ends());
  EXPECT_TRUE(out.empty());
  EXPECT_EQ(source_.ends().count(Cause::park_wrong_stage), 1u);
  source_.ends().flush();
  EXPECT_EQ(source_.pool().in_use(), 0u);
}

TEST_F(ParkingRing, EachOtherStageHasItsOwnTag) {
  Burst<EspIn> esp;
  Burst<Out> out;
  make_ip4(2);
  const EthernetHeader header{};
  ip4_.drain([&](Packet<Ip4> p, const Row<Ip4>& row, std::size_t i) -> Done {
    // The first octet's place was in the frame's own: there is room for the header in the headroom.
    return Gate::linked(std::move(p), row, 2, header, PortId(static_cast<std::uint8_t>(20 + i)), out);
  });
  out.drain([&](Packet<Out> p, const Row<Out>& row) -> Done { return Parking::park(std::move(p), row, into_ring()); });
  (void)Parking::pick_up(out_of_ring(), out, source_.ends());
  (void)Parking::pick_up(out_of_ring(), esp, source_.ends());
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out.row(0).port, PortId(20));
  EXPECT_TRUE(esp.empty());
  EXPECT_EQ(source_.ends().count(Cause::park_wrong_stage), 1u);
  end_all(out, source_.ends());
}

TEST_F(ParkingRing, ASlipServesOnce) {
  const void* buffer = source_.feed(counted(20));
  Burst<Frame> frames;
  ASSERT_EQ(source_.receive(frames, kWan), 1u);
  frames.drain([&](Packet<Frame> p, const Row<Frame>& row) -> Done {
    return Gate::ip4(std::move(p), row, static_cast<LinkLength>(0), ip4_);
  });
  park_ip4();
  (void)Parking::pick_up(out_of_ring(), ip4_, source_.ends());
  ASSERT_EQ(ip4_.size(), 1u);
  test::share(buffer);
  end_all(ip4_, source_.ends());
  source_.ends().flush();
  // The same buffer once more, as a fault would bring it: the row of its last time is not believed.
  (void)Parking::pick_up(Parked::arrive(const_cast<void*>(buffer)), ip4_, source_.ends());
  EXPECT_TRUE(ip4_.empty());
  EXPECT_EQ(source_.ends().count(Cause::park_wrong_stage), 1u);
}

TEST_F(ParkingRing, WhatAFreshBufferHoldsIsNoSlip) {
  test::RawBuffers raw(test::unique_name("raw"), kPrivateSize);
  std::uint64_t wrong = 0;
  for (int byte = 0; byte < 256; ++byte) {
    Burst<EspIn> esp;
    Burst<Out> out;
    const auto make = [&] { return Parked::arrive(raw.make_with_private_area(static_cast<std::uint8_t>(byte))); };
    (void)Parking::pick_up(make(), ip4_, source_.ends());
    (void)Parking::pick_up(make(), esp, source_.ends());
    (void)Parking::pick_up(make(), out, source_.ends());
    wrong += 3;
    ASSERT_EQ(source_.ends().count(Cause::park_wrong_stage), wrong) << byte;
    source_.ends().flush();
  }
  EXPECT_EQ(raw.in_use(), 0u);
}

}  // namespace
}  // namespace strata
