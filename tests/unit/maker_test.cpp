// Packets that begin here: fragments as RFC 791 section 3.2 has them, and frames that we send of our own.
#include <gtest/gtest.h>

#include "dataplane/packet/maker.hpp"
#include "tests/unit/ipv4_fragments.hpp"
#include "tests/unit/packets.hpp"

namespace strata {
namespace {

using stage::Ip4;
using stage::Out;
using stage::Oversize;
using test::counted;
using test::end_all;
using test::from_hex;
using test::get16;
using test::Octets;
using test::octets_of;
using test::Source;

constexpr test::Ipv4Fields kFields{
    .source = "0a010002", .destination = "0a020002", .protocol = 17, .tos = 0xb9, .ttl = 63, .id = 0xbeef};

Octets with_options(const Octets& packet, const Octets& options) {
  Octets header(packet.begin(), packet.begin() + 20);
  header = test::join(header, options);
  header[0] = static_cast<std::uint8_t>(0x40 | header.size() / 4);
  test::put16(header, 2, packet.size() + options.size());
  test::put16(header, 10, 0);
  unsigned sum = 0;
  for (std::size_t i = 0; i < header.size(); i += 2) sum += get16(header, i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  test::put16(header, 10, ~sum);
  return test::join(header, test::payload_of(packet));
}

class Fragments : public testing::Test {
 protected:
  std::vector<Octets> cut(const Octets& packet, std::uint16_t mtu, std::optional<Poison> poison = std::nullopt) {
    Burst<Ip4> ip4;
    Burst<Oversize> oversize;
    Burst<Oversize> pieces;
    if (poison) source_.pool().poison(*poison);
    test::receive_ip4(source_, std::span(&packet, 1), ip4, test::kWan, poison);
    ip4.drain([&](Packet<Ip4> p, const Row<Ip4>& row) -> Done {
      return Gate::oversize(std::move(p), row, packet.size(), NextHop(PolicyId(7)), mtu, oversize);
    });
    oversize.drain([&](Packet<Oversize> p, const Row<Oversize>& row) -> Done {
      return maker_.fragment(std::move(p), row, pieces, FragmentEnds(source_.ends()));
    });
    std::vector<Octets> all;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      all.push_back(octets_of(pieces, i));
      test::expect_origin(pieces.row(i).from, test::kWan);
      EXPECT_EQ(pieces.row(i).next_hop.policy(), PolicyId(7));
      EXPECT_EQ(pieces.row(i).mtu, mtu);
    }
    end_all(pieces, source_.ends());
    source_.ends().flush();
    EXPECT_EQ(source_.pool().in_use(), 0u);
    return all;
  }

  // RFC 791: each within the MTU, none smaller than it needs to be, all of them together the packet.
  void expect_fragments(const Octets& packet, std::uint16_t mtu, const std::vector<Octets>& all) {
    ASSERT_GE(all.size(), 2u);
    Octets payload;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const Octets& piece = all[i];
      const bool last = i + 1 == all.size();
      SCOPED_TRACE(i);
      ASSERT_EQ(get16(piece, 2), piece.size());
      EXPECT_LE(piece.size(), mtu);
      EXPECT_EQ(test::offset_of(piece), test::offset_of(packet) + payload.size());
      EXPECT_EQ(test::more_of(piece), !last || test::more_of(packet));
      EXPECT_EQ(piece[6] & 0xc0, 0) << "neither DF nor the bit that is reserved";
      EXPECT_TRUE(test::header_checksum_is_right(piece));
      EXPECT_EQ(piece[1], packet[1]);
      EXPECT_EQ(get16(piece, 4), get16(packet, 4)) << "the packet's ID";
      EXPECT_EQ(piece[8], packet[8]);
      EXPECT_EQ(piece[9], packet[9]);
      EXPECT_TRUE(std::equal(packet.begin() + 12, packet.begin() + 20, piece.begin() + 12)) << "addresses";
      const Octets part = test::payload_of(piece);
      if (!last) {
        EXPECT_EQ(part.size() % 8, 0u);
        EXPECT_GT(test::header_length(packet) + part.size() + 8, mtu) << "there was room for more";
      }
      payload = test::join(payload, part);
    }
    EXPECT_EQ(payload, test::payload_of(packet));
  }

  std::uint64_t count(Cause cause) { return source_.ends().count(cause); }

  Source source_{255, 4096};
  Maker maker_{source_.pool()};
};

TEST_F(Fragments, OfEverySizeAroundTheMtu) {
  std::uint64_t packets = 0;
  std::uint64_t pieces = 0;
  for (const unsigned mtu : {68, 100, 101, 107, 108, 576, 1396})
    for (const unsigned payload : {mtu - 19, mtu - 18, mtu - 12, 2 * mtu - 40, 2 * mtu - 39, 3 * mtu - 60}) {
      const unsigned room = (mtu - 20) / 8 * 8;
      if (payload > 2000) continue;
      SCOPED_TRACE(testing::Message() << payload << " octets, MTU " << mtu);
      const Octets packet = test::ipv4(kFields, counted(payload));
      const std::vector<Octets> all = cut(packet, static_cast<std::uint16_t>(mtu));
      EXPECT_EQ(all.size(), (payload + room - 1) / room);
      expect_fragments(packet, static_cast<std::uint16_t>(mtu), all);
      ++packets;
      pieces += all.size();
      EXPECT_EQ(count(Cause::ip4_fragmented), packets);
      EXPECT_EQ(source_.ends().generated(), pieces);
    }
}

// What carried the first fragment's buffer, and the buffers that the others are made in, shows in none of them.
TEST_F(Fragments, PoisonTwin) {
  const Octets packet = test::ipv4(kFields, counted(1200));
  const std::vector<Octets> zero = cut(packet, 576, Poison{0x00});
  EXPECT_EQ(zero.size(), 3u);
  EXPECT_EQ(cut(packet, 576, Poison{0xa5}), zero);
  EXPECT_EQ(cut(packet, 576, Poison{0xff}), zero);
}

// A fragment on its way is cut further: its own offset counts, and only a last one has a last part.
TEST_F(Fragments, OfAFragment) {
  for (const unsigned word : {0x2000U, 0x2005U, 0x0005U, 0x1f00U}) {
    test::Ipv4Fields fields = kFields;
    fields.fragment = static_cast<std::uint16_t>(word);
    const Octets packet = test::ipv4(fields, counted(word == 0x0005 ? 1001 : 1000));
    SCOPED_TRACE(word);
    expect_fragments(packet, 300, cut(packet, 300));
  }
}

// RFC 791 section 3.1: an offset has 13 bits, and no packet more than 65535 octets. Cut further, such a fragment would
// give others that say that they belong to the packet's beginning.
TEST_F(Fragments, OfAFragmentThatReachesBeyondAllPackets) {
  test::Ipv4Fields fields = kFields;
  fields.fragment = 0x1f83;  // 64536: 999 octets are left
  expect_fragments(test::ipv4(fields, counted(999)), 300, cut(test::ipv4(fields, counted(999)), 300));
  EXPECT_TRUE(cut(test::ipv4(fields, counted(1000)), 300).empty());
  fields.fragment = 0x1fff;
  EXPECT_TRUE(cut(test::ipv4(fields, counted(1000)), 300).empty());
  EXPECT_EQ(count(Cause::ip4_too_many_fragments), 2u);
}

// RFC 791 section 3.1: an option whose first bit is set is copied into every fragment, any other stays in the first.
TEST_F(Fragments, OptionsThatAreCopiedAndThoseThatAreNot) {
  struct Case {
    const char* options;
    const char* in_others;  // those that must be there, in this order, and nothing else but padding
  };
  const Case cases[] = {
      {"94040000", "94040000"},                                           // router alert: copied
      {"07070400000000 00", ""},                                          // record route: not
      {"07070400000000 01 94040000", "94040000"},                         // one of each
      {"94040000 07070400000000 00", "94040000"},                         //
      {"01010194 04000001 83070401020304 00", "9404000083070401020304"},  // NOPs between; loose source route: copied
      {"4408050000000000 860a00000000 00000000 0000", "860a0000000000000000"},  // timestamp: not; CIPSO: copied
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.options);
    Octets options = from_hex(c.options);
    while (options.size() % 4 != 0) options.push_back(0);
    const Octets packet = with_options(test::ipv4(kFields, counted(1000)), options);
    const std::vector<Octets> all = cut(packet, 400);
    expect_fragments(packet, 400, all);
    EXPECT_EQ(test::options_of(all[0]), options);
    for (std::size_t i = 1; i < all.size(); ++i) {
      Octets expected = from_hex(c.in_others);
      while (expected.size() % 4 != 0) expected.push_back(0);
      EXPECT_EQ(test::options_of(all[i]), expected) << i;
    }
  }
}

// Options that contradict themselves end where they do; nothing is read behind them.
TEST_F(Fragments, OptionsThatAreBroken) {
  test::Random random(791);
  for (std::uint64_t i = 0; i < test::rounds(3000); ++i) {
    Octets options = test::random_octets(random, 4 * (1 + test::pick(random, 10)));
    if (test::pick(random, 2) == 0) options[0] |= 0x80;
    if (test::pick(random, 2) == 0) options[1] = static_cast<std::uint8_t>(test::pick(random, 44));
    const Octets packet = with_options(test::ipv4(kFields, counted(600)), options);
    const std::vector<Octets> all = cut(packet, 300);
    expect_fragments(packet, 300, all);
    if (HasFailure()) FAIL() << testing::PrintToString(options);
  }
}

TEST_F(Fragments, AsManyAsABurstHolds) {
  const std::uint16_t mtu = 68;  // 48 octets each; DPDK has none smaller
  EXPECT_EQ(cut(test::ipv4(kFields, counted(48 * kBurstSize)), mtu).size(), kBurstSize);
  EXPECT_EQ(count(Cause::ip4_fragmented), 1u);
  EXPECT_TRUE(cut(test::ipv4(kFields, counted(48 * kBurstSize + 1)), mtu).empty());
  EXPECT_EQ(count(Cause::ip4_too_many_fragments), 1u);
  EXPECT_EQ(source_.ends().generated(), kBurstSize);
}

// All or none: where the last of the buffers is missing, nothing goes out.
TEST(FragmentsOfASmallPool, WithoutBuffersThePacketEndsWhole) {
  for (unsigned free = 0; free < 4; ++free) {
    Source source(127);
    Maker maker(source.pool());
    Burst<Ip4> ip4;
    Burst<Ip4> others;
    Burst<Ip4> more;
    Burst<Oversize> oversize;
    Burst<Oversize> pieces;
    const Octets packet = test::ipv4(kFields, counted(600));
    test::receive_ip4(source, std::span(&packet, 1), ip4);
    ip4.drain([&](Packet<Ip4> p, const Row<Ip4>& row) -> Done {
      return Gate::oversize(std::move(p), row, packet.size(), NextHop(AdjId<V4>(1)), 300, oversize);
    });
    test::receive_ip4(source, std::vector<Octets>(64, Octets(20)), others);
    test::receive_ip4(source, std::vector<Octets>(62 - free, Octets(20)), more);
    oversize.drain([&](Packet<Oversize> p, const Row<Oversize>& row) -> Done {
      return maker.fragment(std::move(p), row, pieces, FragmentEnds(source.ends()));
    });
    EXPECT_EQ(pieces.size(), free < 3 ? 0u : 3u);
    EXPECT_EQ(source.ends().count(Cause::tx_no_buffer), free < 3 ? 1u : 0u);
    EXPECT_EQ(source.ends().count(Cause::ip4_fragmented), free < 3 ? 0u : 1u);
    EXPECT_EQ(source.ends().generated(), free < 3 ? 0u : 3u);
    end_all(pieces, source.ends());
    end_all(others, source.ends());
    end_all(more, source.ends());
  }
}

TEST(MadeFrames, AreTheirOctetsAndSayNothingElse) {
  Source source;
  source.pool().poison(Poison{0xa5});
  const Maker maker(source.pool());
  Burst<Out> out;
  const Octets frame = counted(42);
  EXPECT_TRUE(maker.frame(frame, PortId(5), out, source.ends()));
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(octets_of(out, 0), frame);
  EXPECT_EQ(out.row(0).port, PortId(5));
  EXPECT_EQ(source.ends().generated(), 1u);
  end_all(out, source.ends());
}

TEST(MadeFrames, NoneWithoutABuffer) {
  Source source(127);
  const Maker maker(source.pool());
  Burst<Ip4> others;
  Burst<Ip4> more;
  Burst<Out> out;
  test::receive_ip4(source, std::vector<Octets>(64, Octets(20)), others);
  test::receive_ip4(source, std::vector<Octets>(63, Octets(20)), more);
  EXPECT_FALSE(maker.frame(counted(42), PortId(5), out, source.ends()));
  EXPECT_TRUE(out.empty());
  EXPECT_EQ(source.ends().generated(), 0u);
  end_all(others, source.ends());
  end_all(more, source.ends());
}

}  // namespace
}  // namespace strata
