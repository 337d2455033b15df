// The MSS clamp: scapy's packets with scapy's checksums, and whatever else may stand in a SYN.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "dataplane/wire/tcp.hpp"
#include "tests/unit/guard_page.hpp"
#include "tests/unit/hex.hpp"
#include "tests/unit/scapy_syn.hpp"

namespace strata::wire {
namespace {

using test::from_hex;
using test::Octets;
using test::SynPair;

Octets clamped(Octets packet, std::uint16_t mss) {
  clamp_tcp_mss(packet, mss);
  return packet;
}

// Options of a SYN from 10.1.0.2 to 10.2.0.2, padded to whole words. The TCP checksum is what it may be: nobody but
// the receiver looks at it.
Octets syn_with(const Octets& options, std::uint8_t flags = 0x02) {
  Octets packet = from_hex(
      "4500 0000 1234 4000 4006 0000 0a010002 0a020002"
      "9c40 0050 01020304 00000000 0000 faf0 abcd 0000");
  packet.insert(packet.end(), options.begin(), options.end());
  while (packet.size() % 4 != 0) packet.push_back(0);
  packet[3] = static_cast<std::uint8_t>(packet.size());
  packet[32] = static_cast<std::uint8_t>((packet.size() - 20) / 4 << 4);
  packet[33] = flags;
  return packet;
}

// The ones' complement sum of all octets behind the IPv4 header, word by word (RFC 1071 section 1), 0 and ffff being
// the same number. The pseudo-header does not change.
unsigned tcp_sum(const Octets& packet) {
  unsigned sum = 0;
  const std::size_t tcp = (packet[0] & 15U) * 4;
  for (std::size_t i = tcp; i < packet.size(); ++i) sum += (i - tcp) % 2 == 0 ? packet[i] * 256U : packet[i];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return sum % 0xffff;
}

class TcpMss : public testing::TestWithParam<SynPair> {};

TEST_P(TcpMss, IsLoweredAsScapyWritesIt) {
  const Octets before = from_hex(GetParam().before);
  const Octets after = from_hex(GetParam().after);
  ASSERT_NE(before, after);
  EXPECT_EQ(clamped(before, GetParam().mss), after);
}

TEST_P(TcpMss, IsNeverRaised) {
  const Octets after = from_hex(GetParam().after);
  for (const unsigned mss : {GetParam().mss + 0U, GetParam().mss + 1U, 65535U})
    EXPECT_EQ(clamped(after, static_cast<std::uint16_t>(mss)), after) << mss;
}

TEST_P(TcpMss, AnyOtherValueSumsUpTheSame) {
  const Octets before = from_hex(GetParam().before);
  const unsigned sum = tcp_sum(before);
  for (unsigned mss = 0; mss <= 65535; mss += 7)
    ASSERT_EQ(tcp_sum(clamped(before, static_cast<std::uint16_t>(mss))), sum) << mss;
}

// Cut anywhere behind its IPv4 header, against an unmapped page: nothing is read or written there. Short of the whole
// TCP header it is let be.
TEST_P(TcpMss, CutAnywhere) {
  const Octets before = from_hex(GetParam().before);
  const std::size_t ip_header = (before[0] & 15U) * 4;
  const std::size_t needed = ip_header + (before[ip_header + 12] >> 4) * 4U;
  test::GuardedMemory memory(before.size());
  for (std::size_t length = ip_header; length <= before.size(); ++length)
    for (const bool at_end : {true, false}) {
      const Octets cut(before.begin(), before.begin() + static_cast<std::ptrdiff_t>(length));
      const auto there = at_end ? memory.at_end(cut) : memory.at_begin(cut);
      clamp_tcp_mss(there, GetParam().mss);
      EXPECT_EQ(!std::equal(there.begin(), there.end(), cut.begin()), length >= needed) << length;
    }
}

// Any octet of TCP's header replaced by any other: the sum stays, and so does all but an MSS and the checksum.
TEST_P(TcpMss, EveryOctetOfTcpEveryValue) {
  const Octets before = from_hex(GetParam().before);
  const std::size_t tcp = (before[0] & 15U) * 4;
  const std::size_t end = tcp + (before[tcp + 12] >> 4) * 4U;
  test::GuardedMemory memory(before.size());
  for (std::size_t at = tcp + 12; at < end; ++at)
    for (unsigned value = 0; value < 256; ++value) {
      Octets damaged = before;
      damaged[at] = static_cast<std::uint8_t>(value);
      const auto there = memory.at_end(std::span(damaged).first(end));
      clamp_tcp_mss(there, GetParam().mss);
      const Octets left(there.begin(), there.end());
      damaged.resize(end);
      ASSERT_EQ(tcp_sum(left), tcp_sum(damaged)) << at << " " << value;
      std::size_t changed = 0;
      for (std::size_t i = 0; i < end; ++i) changed += i < tcp + 16 || i > tcp + 17 ? left[i] != damaged[i] : 0;
      ASSERT_LE(changed, 2u) << at << " " << value;
    }
}

INSTANTIATE_TEST_SUITE_P(Scapy, TcpMss, testing::ValuesIn(test::kSynPairs),
                         [](const auto& pair) { return std::string(pair.param.name); });

// RFC 1624 section 5: a sender may write the sum 0 as ffff.
TEST(TcpMssMore, AChecksumOfAllOnes) {
  std::size_t tried = 0;
  for (const SynPair& pair : test::kSynPairs) {
    if (std::string_view(pair.name).substr(0, 21) != "checksum_0000_before_") continue;
    Octets before = from_hex(pair.before);
    ASSERT_EQ(load_be16(&before[36]), 0);
    store_be16(&before[36], 0xffff);
    EXPECT_EQ(clamped(before, pair.mss), from_hex(pair.after)) << pair.name;
    ++tried;
  }
  EXPECT_EQ(tried, 2u);
}

TEST(TcpMssMore, OnlyASynAnnouncesOne) {
  const Octets options = from_hex("0204 05b4");
  for (unsigned flags = 0; flags < 256; ++flags) {
    const Octets packet = syn_with(options, static_cast<std::uint8_t>(flags));
    EXPECT_EQ(clamped(packet, 1000) != packet, (flags & 0x02) != 0) << flags;
  }
}

TEST(TcpMssMore, OnlyTcp) {
  for (unsigned protocol = 0; protocol < 256; ++protocol) {
    Octets packet = syn_with(from_hex("0204 05b4"));
    packet[9] = static_cast<std::uint8_t>(protocol);
    EXPECT_EQ(clamped(packet, 1000) != packet, protocol == 6) << protocol;
  }
}

// Behind the first fragment's part there is no TCP header, whatever the octets look like.
TEST(TcpMssMore, OnlyWhereTheHeaderIs) {
  for (unsigned word = 0; word < 0x10000; ++word) {
    Octets packet = syn_with(from_hex("0204 05b4"));
    store_be16(&packet[6], static_cast<std::uint16_t>(word));
    ASSERT_EQ(clamped(packet, 1000) != packet, (word & 0x1fff) == 0) << word;
  }
}

TEST(TcpMssMore, LetBe) {
  for (const char* options : {
           "",                            // none at all
           "01010101",                    // none but NOPs
           "00010101 020405b4",           // behind the end of the list
           "03000101 020405b4",           // an option without length
           "03010101 020405b4",           // and with one that is too small
           "030c0101 020405b4",           // beyond the header
           "03ff0101 020405b4",           //
           "020305b4 020405b4",           // of a length that is not MSS's, and what follows is off by one
           "01010102",                    // no room for a length
           "01010204",                    // nor for the value
           "01020405",                    //
           "02000000",                    //
           "0206 05b4 05b4 0000",         // too long
           "1e04 0204",                   // the number within another option
           "0101010101010101 0101 0204",  // the last two octets
       }) {
    const Octets packet = syn_with(from_hex(options));
    test::GuardedMemory memory(packet.size());
    const auto there = memory.at_end(packet);
    clamp_tcp_mss(there, 1000);
    EXPECT_EQ(Octets(there.begin(), there.end()), packet) << options;
  }
}

TEST(TcpMssMore, TheFirstOneCounts) {
  Octets packet = syn_with(from_hex("0204 05b4 0204 05b4"));
  const Octets left = clamped(packet, 1000);
  EXPECT_EQ(load_be16(&left[42]), 1000);
  EXPECT_EQ(load_be16(&left[46]), 1460);
}

TEST(TcpMssMore, ADataOffsetThatIsNone) {
  for (unsigned offset = 0; offset < 16; ++offset) {
    Octets packet = syn_with(from_hex("0204 05b4"));
    packet[32] = static_cast<std::uint8_t>(offset << 4);
    test::GuardedMemory memory(packet.size());
    const auto there = memory.at_end(packet);
    clamp_tcp_mss(there, 1000);
    // 5: no options; 6: as it is; below and above: no header, or not all of it.
    EXPECT_EQ(Octets(there.begin(), there.end()) != packet, offset == 6) << offset;
  }
}

// Random options in random places, at random lengths.
TEST(TcpMssMore, AtRandom) {
  std::mt19937 random(879);
  test::GuardedMemory memory(80);
  std::size_t lowered = 0;
  for (int round = 0; round < 200'000; ++round) {
    Octets options;
    while (options.size() < 36 && random() % 6 != 0) {
      const auto kind = static_cast<std::uint8_t>(random() % 5);
      options.push_back(kind);
      if (kind < 2) continue;
      const auto length = static_cast<std::uint8_t>(kind == 2 && random() % 4 != 0 ? 4 : random() % 8);
      options.push_back(length);
      for (unsigned i = 2; i < length; ++i) options.push_back(static_cast<std::uint8_t>(random()));
    }
    options.resize(std::min<std::size_t>(options.size(), 40));
    Octets packet = syn_with(options);
    if (random() % 8 == 0) packet.resize(20 + random() % (packet.size() - 19));
    const auto there = round % 2 == 0 ? memory.at_end(packet) : memory.at_begin(packet);
    const auto mss = static_cast<std::uint16_t>(random());
    clamp_tcp_mss(there, mss);
    const Octets left(there.begin(), there.end());
    lowered += left != packet ? 1 : 0;
    ASSERT_EQ(tcp_sum(left), tcp_sum(packet));
    ASSERT_EQ(clamped(left, mss), left) << "twice is as once";
  }
  EXPECT_GT(lowered, 10'000u);
}

}  // namespace
}  // namespace strata::wire
