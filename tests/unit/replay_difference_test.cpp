// How two captures differ, in words that a person can act on: the texts are compared whole.
#include "replay/difference.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "replay/capture.hpp"
#include "replay/hex_dump.hpp"
#include "tests/unit/hex.hpp"
#include "tests/unit/scapy_frames.hpp"
#include "tests/unit/scratch_file.hpp"

namespace strata::replay {
namespace {

using test::from_hex;
using test::Octets;
using test::ScratchFile;

void write(const ScratchFile& file, const std::vector<Octets>& frames, std::uint64_t time_ns = 0) {
  auto writer = CaptureWriter::open(file.path());
  ASSERT_TRUE(writer);
  for (const Octets& frame : frames) EXPECT_TRUE(writer->write(time_ns++, frame));
  ASSERT_TRUE(writer->close());
}

// The captures' times differ by a day, which is no difference.
std::optional<Difference> compare(const std::vector<Octets>& expected, const std::vector<Octets>& got) {
  const ScratchFile a;
  const ScratchFile b;
  write(a, expected);
  write(b, got, 86'400'000'000'000);
  auto difference = first_difference(a.path(), b.path());
  EXPECT_TRUE(difference) << difference.error();
  return difference.value_or(std::nullopt);
}

std::string first_line(const std::optional<Difference>& difference) {
  return difference ? difference->text.substr(0, difference->text.find('\n')) : "";
}

// ICMP echo requests that differ in their sequence number.
Octets ping(std::uint8_t sequence) {
  Octets frame = from_hex(test::kIcmpFrame);
  frame[41] = sequence;
  return frame;
}

void expect_columns(const std::string& text) {
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    ASSERT_NE(end, text.npos) << "each line has its newline";
    EXPECT_LE(end - begin, 100u) << text.substr(begin, end - begin);
    begin = end + 1;
  }
}

TEST(Difference, EqualPacketsHaveNone) {
  EXPECT_FALSE(compare({}, {}));
  EXPECT_FALSE(compare({ping(1), ping(2)}, {ping(1), ping(2)}));
  EXPECT_FALSE(packet_difference(1, ping(1), ping(1)));
}

TEST(Difference, ShowsFieldsInWordsAndHex) {
  Octets got = from_hex(test::kIcmpFrame);
  got[22] = 62;  // TTL, with the checksum of TTL 63
  const auto difference = compare({ping(1), from_hex(test::kIcmpFrame)}, {ping(1), got});
  ASSERT_TRUE(difference);
  EXPECT_EQ(difference->packet_number, 2u);
  EXPECT_EQ(difference->text,
            "packet 2 differs\n"
            "  expected 10.2.0.2 > 10.1.0.2 ICMP echo request, ttl 63 [48 octets]\n"
            "       got 10.2.0.2 > 10.1.0.2 ICMP echo request, ttl 62 [48 octets]\n"
            "IPv4\n"
            "  TTL              expected 63 [3f], octet 22\n"
            "                        got 62 [3e]\n"
            "  checksum         expected 0x27ce [27 ce], octet 24\n"
            "                        got 0x27ce (wrong, should be 0x28ce) [27 ce]\n"
            "octets (- expected, + got)\n"
            "  0000  02 00 00 00 01 01 02 00  00 00 00 02 08 00 45 00  ..............E.\n"
            "- 0010  00 22 00 07 40 00 3f 01  27 ce 0a 02 00 02 0a 01  .\"..@.?.'.......\n"
            "+ 0010  00 22 00 07 40 00 3e 01  27 ce 0a 02 00 02 0a 01  .\"..@.>.'.......\n"
            "                          ^^\n"
            "  0020  00 02 08 00 8b 93 12 34  00 01 73 74 72 61 74 61  .......4..strata\n");
}

TEST(Difference, ShowsLengths) {
  const Octets expected = from_hex(test::kArpFrame);
  const Octets got(expected.begin(), expected.begin() + 42);
  const auto difference = packet_difference(1, expected, got);
  ASSERT_TRUE(difference);
  EXPECT_EQ(difference->text,
            "packet 1 differs\n"
            "  expected ARP who-has 10.1.0.2 tell 10.1.0.1 [60 octets]\n"
            "       got ARP who-has 10.1.0.2 tell 10.1.0.1 [42 octets]\n"
            "another layer\n"
            "  expected trailer, 18 octets\n"
            "       got nothing\n"
            "octets (- expected, + got)\n"
            "  ... 1 row equal\n"
            "  0010  08 00 06 04 00 01 02 00  00 00 00 02 0a 01 00 01  ................\n"
            "- 0020  00 00 00 00 00 00 0a 01  00 02 00 00 00 00 00 00  ................\n"
            "+ 0020  00 00 00 00 00 00 0a 01  00 02                    ..........\n"
            "                                       ^^ ^^ ^^ ^^ ^^ ^^\n"
            "- 0030  00 00 00 00 00 00 00 00  00 00 00 00              ............\n"
            "+ 0030\n"
            "        ^^ ^^ ^^ ^^ ^^ ^^ ^^ ^^  ^^ ^^ ^^ ^^\n");
}

TEST(Difference, ShowsWhereLongFieldsDiffer) {
  const Octets expected = from_hex(test::kEspFrame);
  Octets got = expected;
  got[50] ^= 1;
  const auto difference = packet_difference(1, expected, got);
  ASSERT_TRUE(difference);
  EXPECT_NE(difference->text.find(
                "ESP\n  encrypted        24 octets expected, 24 octets got; the first that differs is at octet 50\n"),
            std::string::npos)
      << difference->text;
}

TEST(Difference, TellsMissingFromAltered) {
  EXPECT_EQ(first_line(compare({ping(1), ping(2), ping(3)}, {ping(1), ping(3)})),
            "packet 2 is missing: 10.2.0.2 > 10.1.0.2 ICMP echo request, ttl 63");
  EXPECT_EQ(first_line(compare({ping(1), ping(2), ping(3), ping(4)}, {ping(1), ping(4)})),
            "packet 2 is missing, and 1 after it: 10.2.0.2 > 10.1.0.2 ICMP echo request, ttl 63");
  EXPECT_EQ(first_line(compare({ping(1), ping(2), ping(3)}, {ping(1)})),
            "packet 2 is missing, and 1 after it: 10.2.0.2 > 10.1.0.2 ICMP echo request, ttl 63");
  EXPECT_EQ(first_line(compare({ping(1), ping(2)}, {ping(1), ping(9), ping(2)})),
            "packet 2 is not expected: 10.2.0.2 > 10.1.0.2 ICMP echo request, ttl 63");
  EXPECT_EQ(first_line(compare({}, {ping(1)})),
            "packet 1 is not expected: 10.2.0.2 > 10.1.0.2 ICMP echo request, ttl 63");
  EXPECT_EQ(first_line(compare({ping(1), ping(2), ping(3)}, {ping(1), ping(9), ping(3)})), "packet 2 differs");
}

TEST(Difference, TellsWrongOrder) {
  const auto difference =
      compare({ping(1), from_hex(test::kArpFrame), ping(3)}, {ping(1), ping(3), from_hex(test::kArpFrame)});
  ASSERT_TRUE(difference);
  EXPECT_EQ(difference->text,
            "packet 2 is out of order\n"
            "  expected ARP who-has 10.1.0.2 tell 10.1.0.1\n"
            "           which comes as packet 3\n"
            "       got 10.2.0.2 > 10.1.0.2 ICMP echo request, ttl 63\n"
            "           which is expected as packet 3\n");
}

TEST(Difference, UnreadableFilesAreErrors) {
  const ScratchFile good;
  write(good, {ping(1)});
  EXPECT_EQ(first_difference("/nonexistent", good.path()).error(), "/nonexistent: No such file or directory");
  EXPECT_EQ(first_difference(good.path(), "/nonexistent").error(), "/nonexistent: No such file or directory");
  Octets cut = good.octets();
  cut.pop_back();
  const ScratchFile truncated(cut);
  const auto outcome = first_difference(truncated.path(), good.path());
  ASSERT_FALSE(outcome);
  EXPECT_TRUE(outcome.error().starts_with(truncated.path() + ": truncated after packet 0: ")) << outcome.error();
}

// What the two sides stopped at, when one of them cannot be read on, is an error and no missing packet.
TEST(Difference, ATruncatedOutputIsNoMissingPacket) {
  const ScratchFile good;
  write(good, {ping(1), ping(2)});
  Octets cut = good.octets();
  cut.pop_back();
  EXPECT_FALSE(first_difference(good.path(), ScratchFile(cut).path()));
}

TEST(Difference, FitsItsColumnsForAnyFrames) {
  std::mt19937 random(8986);
  for (int i = 0; i < 2000; ++i) {
    const Octets expected = from_hex(test::kFrames[random() % std::size(test::kFrames)]);
    Octets got = random() % 2 == 0 ? expected : from_hex(test::kFrames[random() % std::size(test::kFrames)]);
    for (unsigned changes = random() % 8; changes != 0; --changes)
      got[random() % got.size()] = static_cast<std::uint8_t>(random());
    if (random() % 4 == 0) got.resize(random() % (got.size() + 1));
    const auto difference = packet_difference(1, expected, got);
    ASSERT_EQ(difference.has_value(), expected != got);
    if (difference) expect_columns(difference->text);
  }
}

TEST(HexDump, LongPacketsAreCut) {
  const std::string text = dump(Octets(1500));
  EXPECT_TRUE(text.ends_with("  ... 78 rows more\n")) << text;
  Octets other(1500, 1);
  EXPECT_TRUE(dump_difference(Octets(1500), other).ends_with("  ... 78 rows more that differ\n"));
  other = Octets(1500);
  other[1499] = 1;
  const std::string end = dump_difference(Octets(1500), other);
  EXPECT_TRUE(end.starts_with("  ... 92 rows equal\n  05c0  ")) << end;
}

}  // namespace
}  // namespace strata::replay
