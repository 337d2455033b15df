// Reassembly: all orders, all that contradicts itself, the bounds, and an account for every fragment.
#include "dataplane/packet/reassembly.hpp"

#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <optional>

#include "tests/unit/ipv4_fragments.hpp"
#include "tests/unit/packets.hpp"

namespace strata {
namespace {

using stage::Fragment;
using stage::Frame;
using stage::Host;
using stage::Ip4;
using stage::Local;
using test::counted;
using test::end_all;
using test::fragment_of;
using test::Ipv4Fields;
using test::kWan;
using test::Octets;
using test::octets_of;
using test::Part;
using wire::Ecn;

constexpr std::uint64_t kTimeout = 1000;
constexpr std::uint64_t kStart = 5000;
constexpr Ipv4Fields kFields{.source = "c0000202", .destination = "c0000201", .protocol = 50, .id = 0x1234};

enum class From : std::uint8_t { wire, tunnel };

class Reassembling : public testing::Test {
 protected:
  explicit Reassembling(unsigned buffers = 1023, std::uint32_t packets = 64)
      : source_(buffers),
        reassembly_(std::move(
            Reassembly::create({.packets = packets, .timeout_ns = kTimeout}, Maker(source_.pool())).value())) {}
  ~Reassembling() override {
    reassembly_->expire(UINT64_MAX, ReassembleEnds(source_.ends()));
    expect_account();
    EXPECT_EQ(reassembly_->held(), 0u);
  }

  // Each is one fragment; those that come together are one burst. What became whole stands in whole_.
  void add(const std::vector<Octets>& fragments, std::uint64_t now = kStart, const Origin& from = kWan,
           From way = From::wire) {
    Burst<Frame> frames;
    Burst<Fragment> parts;
    for (const Octets& fragment : fragments) source_.feed(fragment, poison_);
    ASSERT_EQ(source_.receive(frames, from), fragments.size());
    added_ += fragments.size();
    if (way == From::wire)
      as_host(frames, parts);
    else
      as_ip4(frames, parts);
    Burst<Host> host;
    Burst<Local> local;
    parts.drain([&](Packet<Fragment> p, const Row<Fragment>& row) -> Done {
      return reassembly_->add(std::move(p), row, now, host, local, ReassembleEnds(source_.ends()));
    });
    note_whole(host, way == From::wire);
    note_whole(local, way == From::tunnel);
    expect_account();
  }
  void expire(std::uint64_t now) {
    reassembly_->expire(now, ReassembleEnds(source_.ends()));
    expect_account();
  }
  std::uint64_t count(Cause cause) { return source_.ends().count(cause); }
  std::uint64_t joined() { return count(Cause::ip4_reassembled); }
  std::uint64_t failed() { return count(Cause::ip4_reassembly_failed); }
  std::uint64_t timed_out() { return count(Cause::ip4_reassembly_timeout); }

  // Every fragment waits, went into a packet, or ended; and only what waits has a buffer.
  void expect_account() {
    source_.ends().flush();
    EXPECT_EQ(added_, reassembly_->held() + joined() + failed() + timed_out());
    EXPECT_EQ(source_.pool().in_use(), reassembly_->held() + beside_);
    EXPECT_EQ(source_.ends().generated(), whole_.size());
  }

  test::Source source_;
  std::unique_ptr<Reassembly> reassembly_;
  std::optional<Poison> poison_;
  std::uint64_t added_ = 0;
  std::size_t beside_ = 0;  // buffers that a test has taken
  std::vector<Octets> whole_;
  std::vector<Origin> whole_from_;

 private:
  static Ecn ecn_of(const Octets& packet) { return static_cast<Ecn>(packet[1] & 3); }
  static void as_host(Burst<Frame>& frames, Burst<Fragment>& parts) {
    Burst<Host> hosts;
    frames.drain([&](Packet<Frame> p, const Row<Frame>& row) -> Done {
      return Gate::host(std::move(p), row, test::kNoLink, hosts);
    });
    hosts.drain([&](Packet<Host> p, const Row<Host>& row) -> Done {
      const Octets packet(std::as_const(p).bytes().begin(), std::as_const(p).bytes().end());
      return Gate::fragment(std::move(p), row, packet.size(), ecn_of(packet), packet[9], parts);
    });
  }
  static void as_ip4(Burst<Frame>& frames, Burst<Fragment>& parts) {
    Burst<Ip4> ip4;
    frames.drain([&](Packet<Frame> p, const Row<Frame>& row) -> Done {
      return Gate::ip4(std::move(p), row, test::kNoLink, ip4);
    });
    ip4.drain([&](Packet<Ip4> p, const Row<Ip4>& row) -> Done {
      const Octets packet(std::as_const(p).bytes().begin(), std::as_const(p).bytes().end());
      return Gate::fragment(std::move(p), row, packet.size(), ecn_of(packet), packet[9], parts);
    });
  }
  template <class Stage>
  void note_whole(Burst<Stage>& burst, bool expected) {
    EXPECT_TRUE(expected || burst.empty()) << "a packet goes on where it would have in one piece";
    for (std::size_t i = 0; i < burst.size(); ++i) {
      whole_.push_back(octets_of(burst, i));
      whole_from_.push_back(burst.row(i).from);
    }
    // They go on; here, to nobody.
    Ends elsewhere;
    end_all(burst, elsewhere);
  }
};

// Cut at each of these, the last is the payload's length.
const std::vector<std::size_t> kFourParts{0, 64, 128, 512, 601};

TEST_F(Reassembling, EveryOrderOfFour) {
  std::vector<std::size_t> order{0, 1, 2, 3};
  std::uint16_t id = 1;
  do {
    Ipv4Fields fields = kFields;
    fields.id = id++;
    const Octets payload = counted(601, static_cast<std::uint8_t>(id));
    const std::vector<Octets> parts = test::cut_at(fields, payload, kFourParts);
    for (std::size_t i = 0; i < 4; ++i) {
      SCOPED_TRACE(testing::PrintToString(order));
      EXPECT_EQ(reassembly_->held(), i);
      const std::size_t before = whole_.size();
      add({parts[order[i]]});
      EXPECT_EQ(whole_.size() - before, i == 3 ? 1u : 0u);
    }
    ASSERT_FALSE(whole_.empty());
    EXPECT_EQ(whole_.back(), test::ipv4(fields, payload)) << testing::PrintToString(order);
  } while (std::next_permutation(order.begin(), order.end()));
  EXPECT_EQ(whole_.size(), 24u);
  EXPECT_EQ(joined(), 96u);
  EXPECT_EQ(failed() + timed_out(), 0u);
}

TEST_F(Reassembling, PoisonTwin) {
  const std::vector<Octets> parts = test::cut_at(kFields, counted(601), kFourParts);
  for (const Poison poison : {Poison{0x00}, Poison{0xa5}, Poison{0xff}}) {
    poison_ = poison;
    source_.pool().poison(*poison_);
    add({parts[2], parts[0], parts[3], parts[1]});
  }
  EXPECT_EQ(whole_, std::vector<Octets>(3, test::ipv4(kFields, counted(601))));
}

// The row is that of the one that made it whole: its place in the burst is the packet's.
TEST_F(Reassembling, ThePacketTakesThePlaceOfItsLastFragment) {
  const std::vector<Octets> parts = test::cut_at(kFields, counted(100), {0, 48, 100});
  Ipv4Fields other = kFields;
  other.id = 7;
  add({parts[1], fragment_of(other, counted(100), {0, 48}), parts[0]});
  ASSERT_EQ(whole_.size(), 1u);
  test::expect_origin(whole_from_[0], {SaId::none(), kWan.port(), kWan.side(), static_cast<Arrival>(2)});
  EXPECT_EQ(reassembly_->held(), 1u);
}

// RFC 791 section 3.2: the first fragment's header, and its options, are the packet's.
TEST_F(Reassembling, TheFirstFragmentsHeaderIsThePackets) {
  Ipv4Fields later = kFields;
  later.ttl = 33;
  const Octets payload = counted(100);
  for (const bool first_last : {false, true}) {
    const Octets first = fragment_of(kFields, payload, {0, 48});
    const Octets second = fragment_of(later, payload, {48, 52, false});
    add(first_last ? std::vector{second, first} : std::vector{first, second});
    ASSERT_FALSE(whole_.empty());
    EXPECT_EQ(whole_.back(), test::ipv4(kFields, payload));
  }
}

TEST_F(Reassembling, OptionsOfTheFirstStay) {
  const Octets payload = counted(100);
  Octets first = fragment_of(kFields, payload, {0, 48});
  first.insert(first.begin() + 20, {0x94, 0x04, 0x00, 0x00});
  first[0] = 0x46;
  test::put16(first, 2, first.size());
  add({fragment_of(kFields, payload, {48, 52, false}), first});
  ASSERT_EQ(whole_.size(), 1u);
  const Octets& whole = whole_[0];
  EXPECT_EQ(test::options_of(whole), test::from_hex("94040000"));
  EXPECT_EQ(test::payload_of(whole), payload);
  EXPECT_EQ(test::get16(whole, 2), whole.size());
  EXPECT_EQ(test::get16(whole, 6), 0u);
  EXPECT_TRUE(test::header_checksum_is_right(whole));
}

// --- what tells packets apart ----------------------------------------------------------------------------------------

TEST_F(Reassembling, PacketsAreToldApartByAllThatRfc791Names) {
  std::vector<Ipv4Fields> all(6, kFields);
  all[1].id = 0x1235;
  all[2].source = "c0000203";
  all[3].destination = "c0000205";
  all[4].protocol = 17;
  all[5].protocol = 1;
  std::vector<Octets> expected;
  for (const std::size_t half : {0, 1})
    for (std::size_t i = 0; i < all.size(); ++i) {
      const Octets payload = counted(100, static_cast<std::uint8_t>(50 * i));
      const auto parts = test::cut_at(all[i], payload, {0, 48, 100});
      add({parts[half]});
      if (half == 1) expected.push_back(test::ipv4(all[i], payload));
    }
  EXPECT_EQ(whole_, expected);
  EXPECT_EQ(failed(), 0u);
}

// One who sends through another port, or another tunnel, spoils nobody's packet.
TEST_F(Reassembling, AndByTheWayTheyCame) {
  const Origin ways[] = {kWan,
                         {SaId::none(), PortId(1), kWan.side(), Arrival{}},
                         {SaId(3), kWan.port(), Side::protected_side, Arrival{}},
                         {SaId(4), kWan.port(), Side::protected_side, Arrival{}},
                         {SaId::none(), kWan.port(), Side::either_side, Arrival{}}};
  std::vector<Octets> expected;
  for (const std::size_t half : {0, 1})
    for (std::size_t i = 0; i < std::size(ways); ++i)
      for (const From from : {From::wire, From::tunnel}) {
        const Octets payload = counted(100, static_cast<std::uint8_t>(i * 10 + (from == From::wire ? 0 : 5)));
        add({test::cut_at(kFields, payload, {0, 48, 100})[half]}, kStart, ways[i], from);
        if (half == 1) expected.push_back(test::ipv4(kFields, payload));
      }
  EXPECT_EQ(whole_, expected);
  ASSERT_EQ(whole_from_.size(), 2 * std::size(ways));
  for (std::size_t i = 0; i < whole_from_.size(); ++i) {
    EXPECT_EQ(whole_from_[i].sa(), ways[i / 2].sa());
    EXPECT_EQ(whole_from_[i].port(), ways[i / 2].port());
    EXPECT_EQ(whole_from_[i].side(), ways[i / 2].side());
  }
}

// --- time ------------------------------------------------------------------------------------------------------------

TEST_F(Reassembling, WaitNoLongerThanTheyMay) {
  const auto parts = test::cut_at(kFields, counted(601), kFourParts);
  add({parts[0]}, kStart);
  add({parts[1]}, kStart + 700);
  expire(kStart + kTimeout);
  EXPECT_EQ(reassembly_->held(), 2u) << "counted from the first that came";
  expire(kStart + kTimeout + 1);
  EXPECT_EQ(reassembly_->held(), 0u);
  EXPECT_EQ(timed_out(), 2u);
  // The others come too late: they begin anew, and wait in vain.
  add({parts[2], parts[3]}, kStart + kTimeout + 2);
  EXPECT_TRUE(whole_.empty());
  expire(kStart + 3 * kTimeout);
  EXPECT_EQ(timed_out(), 4u);
  EXPECT_EQ(failed(), 0u);
}

TEST_F(Reassembling, TheNextFragmentBuriesTheOld) {
  const auto parts = test::cut_at(kFields, counted(100), {0, 48, 100});
  add({parts[0]}, kStart);
  add({parts[1]}, kStart + kTimeout + 1);
  EXPECT_TRUE(whole_.empty());
  EXPECT_EQ(timed_out(), 1u);
  EXPECT_EQ(reassembly_->held(), 1u);
}

TEST_F(Reassembling, AllOfManyExpireAtOnce) {
  for (std::uint16_t id = 0; id < 60; ++id) {
    Ipv4Fields fields = kFields;
    fields.id = id;
    const auto parts = test::cut_at(fields, counted(64), {0, 8, 16, 24, 32, 40, 48, 56, 64});
    add({parts.begin(), parts.begin() + 7});
  }
  EXPECT_EQ(reassembly_->held(), 420u);
  expire(UINT64_MAX);
  EXPECT_EQ(timed_out(), 420u);
}

// --- what contradicts itself -----------------------------------------------------------------------------------------

// Parts of one payload, and one more that does not fit among them: only where that one comes when all is over has a
// packet become of the others. Without one, nothing ever becomes of them.
struct Puzzle {
  std::vector<Part> parts;
  std::optional<std::size_t> extra;
};

const std::vector<Puzzle> kPuzzles{
    {{{0, 64}, {56, 64}, {120, 40, false}}, {}},                   // eight octets twice
    {{{0, 64}, {64, 64}, {64, 64}, {128, 32, false}}, 2},          // a middle one twice
    {{{0, 64}, {0, 64}, {64, 96, false}}, 1},                      // the first twice
    {{{0, 64}, {64, 64}, {128, 32, false}, {120, 40, false}}, 3},  // two that say they are the last
    {{{0, 128}, {32, 64}, {128, 32, false}}, 1},                   // one within another
    {{{0, 64}, {72, 64}, {128, 32, false}}, {}},                   // a gap and an overlap that add up
    {{{0, 64}, {64, 64}, {32, 32, false}}, {}},                    // the last one ends before others do
    {{{0, 64}, {64, 63}, {128, 32, false}}, {}},                   // of a length that none but the last may have
    {{{0, 64}, {128, 32, false}}, {}},                             // a gap
    {{{8, 64}, {72, 32, false}}, {}},                              // no first
    {{{0, 64}, {64, 64}}, {}},                                     // no last
};

bool same(const Part& a, const Part& b) { return a.offset == b.offset && a.length == b.length && a.more == b.more; }

TEST_F(Reassembling, OverlapsAndContradictionsNeverBecomeAPacket) {
  const Octets payload = counted(160);
  Ipv4Fields fields = kFields;
  for (const Puzzle& puzzle : kPuzzles) {
    std::vector<std::size_t> order(puzzle.parts.size());
    std::iota(order.begin(), order.end(), 0);
    do {
      SCOPED_TRACE(testing::Message() << testing::PrintToString(order) << " of " << &puzzle - kPuzzles.data());
      ++fields.id;
      const std::size_t before = whole_.size();
      for (const std::size_t i : order) add({fragment_of(fields, payload, puzzle.parts[i])});
      const bool over = puzzle.extra && same(puzzle.parts[order.back()], puzzle.parts[*puzzle.extra]);
      ASSERT_EQ(whole_.size() - before, over ? 1u : 0u);
      if (over) {
        ASSERT_EQ(whole_.back(), test::ipv4(fields, payload));
      }
      expire(UINT64_MAX);
      ASSERT_EQ(reassembly_->held(), 0u);
    } while (std::next_permutation(order.begin(), order.end()));
  }
  EXPECT_GT(failed(), 0u);
  EXPECT_GT(timed_out(), 0u);
}

// A part that lies does not poison what comes after it under the same ID.
TEST_F(Reassembling, AfterAContradictionTheIdIsFree) {
  const Octets payload = counted(160);
  add({fragment_of(kFields, payload, {0, 64}), fragment_of(kFields, payload, {0, 64})});
  expire(kStart + kTimeout + 1);
  EXPECT_EQ(reassembly_->held(), 0u);
  const auto parts = test::cut_at(kFields, payload, {0, 64, 160});
  add({parts[0], parts[1]}, kStart + kTimeout + 2);
  ASSERT_EQ(whole_.size(), 1u);
  EXPECT_EQ(whole_[0], test::ipv4(kFields, payload));
}

TEST_F(Reassembling, EightAreNotTooManyAndNineAre) {
  for (const std::size_t n : {8, 9, 12}) {
    Ipv4Fields fields = kFields;
    fields.id = static_cast<std::uint16_t>(n);
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i <= n; ++i) places.push_back(8 * i);
    const std::size_t before = whole_.size();
    add(test::cut_at(fields, counted(8 * n), places));
    EXPECT_EQ(whole_.size() - before, n == 8 ? 1u : 0u) << n;
  }
  EXPECT_EQ(joined(), 8u);
  expire(UINT64_MAX);
  EXPECT_EQ(failed() + timed_out(), 21u);
  EXPECT_GT(failed(), 0u);
}

// Larger than the buffers that packets are put together in: 2048 octets here.
TEST_F(Reassembling, WhatIsTooLargeForABufferEnds) {
  for (const std::size_t length : {2028, 2029}) {
    Ipv4Fields fields = kFields;
    fields.id = static_cast<std::uint16_t>(length);
    add(test::cut_at(fields, counted(length), {0, 1000, length}));
  }
  ASSERT_EQ(whole_.size(), 1u);
  EXPECT_EQ(whole_[0].size(), 2048u);
  EXPECT_EQ(failed(), 2u);
}

// Beyond what a total length can say: the sum of offset and length exceeds 65535.
TEST_F(Reassembling, TheEndOfALengthField) {
  for (const std::size_t offset : {65'528U, 65'520U, 65'000U}) {
    Ipv4Fields fields = kFields;
    fields.id = static_cast<std::uint16_t>(offset);
    fields.fragment = static_cast<std::uint16_t>(offset / 8);
    const Octets last = test::ipv4(fields, counted(600));
    fields.fragment = test::kMoreFragments;
    add({last, test::ipv4(fields, counted(1400))});
  }
  EXPECT_TRUE(whole_.empty());
}

TEST_F(Reassembling, NoPayloadIsNoPart) {
  add({fragment_of(kFields, {}, {0, 0})});
  add({fragment_of(kFields, counted(64), {64, 0, false})});
  add({fragment_of(kFields, counted(64), {0, 64})});
  EXPECT_TRUE(whole_.empty());
}

// --- congestion ------------------------------------------------------------------------------------------------------

// RFC 3168 section 5.3: CE of any is CE of the packet, unless another one is Not-ECT: then it is dropped.
TEST_F(Reassembling, CongestionIsNeitherLostNorMadeUp) {
  const Octets payload = counted(100);
  Ipv4Fields fields = kFields;
  for (unsigned first = 0; first < 4; ++first)
    for (unsigned second = 0; second < 4; ++second)
      for (const bool swapped : {false, true}) {
        SCOPED_TRACE(testing::Message() << first << " " << second << " " << swapped);
        ++fields.id;
        fields.tos = static_cast<std::uint8_t>(0xb8 | first);
        const Octets one = fragment_of(fields, payload, {0, 48});
        fields.tos = static_cast<std::uint8_t>(0xb8 | second);
        const Octets two = fragment_of(fields, payload, {48, 52, false});
        const std::size_t before = whole_.size();
        add(swapped ? std::vector{two, one} : std::vector{one, two});
        const bool ce = first == 3 || second == 3;
        const bool dropped = ce && (first == 0 || second == 0);
        ASSERT_EQ(whole_.size() - before, dropped ? 0u : 1u);
        if (dropped) continue;
        fields.tos = static_cast<std::uint8_t>(0xb8 | (ce ? 3 : first));
        EXPECT_EQ(whole_.back(), test::ipv4(fields, payload));
      }
  EXPECT_EQ(failed(), 8u);
}

// --- bounds ----------------------------------------------------------------------------------------------------------

class ReassemblyOfSixteen : public Reassembling {
 protected:
  ReassemblyOfSixteen() : Reassembling(255, 16) {}
};

// First fragments without end take no more than was agreed, and what is full empties itself.
TEST_F(ReassemblyOfSixteen, MemoryIsBounded) {
  Ipv4Fields fields = kFields;
  std::size_t most = 0;
  for (std::uint16_t id = 0; id < 5000; ++id) {
    fields.id = id;
    add({fragment_of(fields, counted(64), {0, 64})});
    most = std::max(most, reassembly_->held());
  }
  EXPECT_EQ(most, 16u);
  EXPECT_EQ(failed(), 5000u - 16u);
  expire(kStart + kTimeout + 1);
  EXPECT_EQ(timed_out(), 16u);
  const auto parts = test::cut_at(fields, counted(100), {0, 48, 100});
  add({parts[0], parts[1]}, kStart + kTimeout + 2);
  EXPECT_EQ(whole_.size(), 1u);
}

class ReassemblyInASmallPool : public Reassembling {
 protected:
  ReassemblyInASmallPool() : Reassembling(127, 16) {}
};

TEST_F(ReassemblyInASmallPool, WithoutABufferForTheWholeThePartsEnd) {
  const auto parts = test::cut_at(kFields, counted(100), {0, 48, 100});
  Burst<Ip4> others;
  add({parts[0]});
  Burst<Ip4> more;
  test::receive_ip4(source_, std::vector<Octets>(64, Octets(20)), others);
  test::receive_ip4(source_, std::vector<Octets>(61, Octets(20)), more);
  beside_ = others.size() + more.size();
  add({parts[1]});
  EXPECT_TRUE(whole_.empty());
  EXPECT_EQ(failed(), 2u);
  end_all(others, source_.ends());
  end_all(more, source_.ends());
  beside_ = 0;
  add({parts[1], parts[0]});
  EXPECT_EQ(whole_.size(), 1u);
}

// --- at random -------------------------------------------------------------------------------------------------------

// Packets cut anywhere, their parts shuffled among each other, some lost, some doubled, some of another packet's data.
// What becomes a packet is one that was sent, once, and no fragment is without an account.
TEST_F(Reassembling, AtRandomNothingBecomesAPacketThatWasNotSent) {
  test::Random random(791);
  std::uint64_t now = kStart;
  std::map<std::uint16_t, Octets> sent;  // by ID
  std::vector<Octets> line;
  std::size_t complete = 0;
  std::size_t checked = 0;
  std::uint16_t id = 0;
  for (std::uint64_t round = 0; round < test::rounds(5000); ++round) {
    Ipv4Fields fields = kFields;
    fields.id = id++;
    const Octets payload = test::random_octets(random, 2 + test::pick(random, 1000));
    std::vector<std::size_t> places{0, payload.size()};
    for (std::uint64_t n = test::pick(random, 7); n > 0; --n)
      places.push_back(test::pick(random, payload.size()) & ~7U);
    std::sort(places.begin(), places.end());
    places.erase(std::unique(places.begin(), places.end()), places.end());
    if (places.size() < 3) continue;
    sent[fields.id] = test::ipv4(fields, payload);
    bool doubled = false;  // one part alone: were all of them, the packet would be whole twice
    for (const Octets& part : test::cut_at(fields, payload, places)) {
      if (test::pick(random, 40) == 0) continue;
      line.push_back(part);
      if (doubled || test::pick(random, 20) != 0) continue;
      line.push_back(part);
      doubled = true;
    }
    if (line.size() < 60) continue;
    for (std::size_t i = line.size() - 1; i > 0; --i) std::swap(line[i], line[test::pick(random, i + 1)]);
    for (std::size_t i = 0; i < line.size(); i += 16)
      add({line.begin() + static_cast<std::ptrdiff_t>(i),
           line.begin() + static_cast<std::ptrdiff_t>(std::min(i + 16, line.size()))},
          now += test::pick(random, 100));
    line.clear();
    for (; checked < whole_.size(); ++checked) {
      const auto found = sent.find(wire::load_be16(&whole_[checked][4]));
      ASSERT_NE(found, sent.end());
      ASSERT_EQ(found->second, whole_[checked]);
      sent.erase(found);
      ++complete;
    }
  }
  EXPECT_GT(complete, test::rounds(5000) / 2);
  EXPECT_GT(failed(), 0u);
  EXPECT_GT(timed_out(), 0u);
}

}  // namespace
}  // namespace strata
