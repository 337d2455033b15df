// Capture files: what is read is judged against files written down octet by octet, what is written by libpcap.
#include <gtest/gtest.h>
#include <pcap/pcap.h>

#include <array>
#include <memory>

#include "replay/capture.hpp"
#include "tests/unit/hex.hpp"
#include "tests/unit/scratch_file.hpp"

namespace strata::replay {
namespace {

using test::from_hex;
using test::join;
using test::Octets;
using test::ScratchFile;

struct Seen {
  std::uint64_t time_ns;
  Octets bytes;
  std::uint32_t wire_length;
  bool operator==(const Seen&) const = default;
};

struct Outcome {
  std::vector<Seen> packets;
  std::string error;  // without the file's name
};

Outcome read_all(const std::string& path) {
  Outcome outcome;
  const auto strip = [&](std::string error) {
    EXPECT_TRUE(error.starts_with(path + ": ")) << error;
    return error.substr(std::min(error.size(), path.size() + 2));
  };
  auto reader = CaptureReader::open(path);
  if (!reader) return {{}, strip(reader.error())};
  CaptureReader::Packet packet;
  auto next = reader->next(packet);
  for (; next == CaptureReader::Next::packet; next = reader->next(packet))
    outcome.packets.push_back({packet.time_ns, {packet.bytes.begin(), packet.bytes.end()}, packet.wire_length});
  EXPECT_EQ(reader->packets_read(), outcome.packets.size());
  EXPECT_EQ(reader->next(packet), next) << "an end stays the end";
  if (next == CaptureReader::Next::failed) outcome.error = strip(reader->error());
  return outcome;
}

Outcome read_all(const Octets& file) { return read_all(ScratchFile(file).path()); }

// One packet "aa bb cc" at 1700000000.5 s, then "dd", which had 9 octets on the wire, 7 ns or 7 us later.
const Octets kLittleMicro = from_hex(
    "d4c3b2a1 0200 0400 00000000 00000000 00000400 01000000"
    "00f15365 20a10700 03000000 03000000 aabbcc"
    "00f15365 27a10700 01000000 09000000 dd");
const Octets kBigMicro = from_hex(
    "a1b2c3d4 0002 0004 00000000 00000000 00040000 00000001"
    "6553f100 0007a120 00000003 00000003 aabbcc"
    "6553f100 0007a127 00000001 00000009 dd");
const Octets kLittleNano = from_hex(
    "4d3cb2a1 0200 0400 00000000 00000000 00000400 01000000"
    "00f15365 0065cd1d 03000000 03000000 aabbcc"
    "00f15365 0765cd1d 01000000 09000000 dd");
const Octets kBigNano = from_hex(
    "a1b23c4d 0002 0004 00000000 00000000 00040000 00000001"
    "6553f100 1dcd6500 00000003 00000003 aabbcc"
    "6553f100 1dcd6507 00000001 00000009 dd");

// pcapng: section header, an interface with nanoseconds (if_tsresol 9), two enhanced packets.
const Octets kSectionHeader = from_hex("0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff 1c000000");
const Octets kNanoInterface = from_hex("01000000 20000000 0100 0000 00000400 0900 0100 09000000 0000 0000 20000000");
const Octets kRawInterface = from_hex("01000000 14000000 6500 0000 00000400 14000000");
// 1700000000500000000 ns = 0x17979cfe53f76500 and 7 more.
const Octets kEnhancedPackets = from_hex(
    "06000000 24000000 00000000 fe9c9717 0065f753 03000000 03000000 aabbcc00 24000000"
    "06000000 24000000 00000000 fe9c9717 0765f753 01000000 09000000 dd000000 24000000");

constexpr std::uint64_t kTime = 1'700'000'000'500'000'000;
std::vector<Seen> two_packets(std::uint64_t apart) {
  return {{kTime, {0xaa, 0xbb, 0xcc}, 3}, {kTime + apart, {0xdd}, 9}};
}

TEST(CaptureReader, ReadsBothOrdersAndBothPrecisions) {
  for (const Octets& file : {kLittleMicro, kBigMicro}) {
    const Outcome outcome = read_all(file);
    EXPECT_EQ(outcome.packets, two_packets(7000));
    EXPECT_EQ(outcome.error, "");
  }
  for (const Octets& file : {kLittleNano, kBigNano}) {
    const Outcome outcome = read_all(file);
    EXPECT_EQ(outcome.packets, two_packets(7));
    EXPECT_EQ(outcome.error, "");
  }
}

TEST(CaptureReader, ReadsPcapng) {
  const Outcome outcome = read_all(join(kSectionHeader, kNanoInterface, kEnhancedPackets));
  EXPECT_EQ(outcome.packets, two_packets(7));
  EXPECT_EQ(outcome.error, "");
}

TEST(CaptureReader, TimesBehind2038AreNotNegative) {
  Octets file = kLittleNano;
  file[24 + 3] = 0xf0;  // seconds: 0xf053f100
  const Outcome outcome = read_all(file);
  ASSERT_EQ(outcome.packets.size(), 2u);
  EXPECT_EQ(outcome.packets[0].time_ns, 0xf053f100ull * 1'000'000'000 + 500'000'000);
}

TEST(CaptureReader, ACaptureWithoutPacketsIsGood) {
  const Outcome outcome = read_all(Octets(kLittleNano.begin(), kLittleNano.begin() + 24));
  EXPECT_TRUE(outcome.packets.empty());
  EXPECT_EQ(outcome.error, "");
}

TEST(CaptureReader, EachTruncationIsToldAndLeavesTheWholePackets) {
  constexpr std::size_t kFirstEnd = 24 + 16 + 3;
  for (std::size_t length = 0; length < kBigMicro.size(); ++length) {
    const Outcome outcome =
        read_all(Octets(kBigMicro.begin(), kBigMicro.begin() + static_cast<std::ptrdiff_t>(length)));
    const std::size_t whole = length >= kFirstEnd ? 1 : 0;
    EXPECT_EQ(outcome.packets.size(), whole) << length;
    if (length == 24 || length == kFirstEnd) {
      EXPECT_EQ(outcome.error, "") << "a file may end behind its header and behind each packet";
    } else if (length == 0) {
      EXPECT_EQ(outcome.error, "empty file, not a capture");
    } else if (length < 24) {
      EXPECT_TRUE(outcome.error.starts_with("not a pcap or pcapng capture: ")) << outcome.error;
    } else {
      EXPECT_TRUE(outcome.error.starts_with("truncated after packet " + std::to_string(whole) + ": tried to read "))
          << length << ": " << outcome.error;
    }
  }
}

TEST(CaptureReader, TruncatedPcapngIsTold) {
  Octets file = join(kSectionHeader, kNanoInterface, kEnhancedPackets);
  file.erase(file.end() - 5, file.end());
  const Outcome outcome = read_all(file);
  EXPECT_EQ(outcome.packets.size(), 1u);
  EXPECT_TRUE(outcome.error.starts_with("truncated after packet 1: tried to read ")) << outcome.error;
}

TEST(CaptureReader, OtherLinkTypesAreNamed) {
  Octets file = kLittleNano;
  file[20] = 0x14;  // 276
  file[21] = 0x01;
  EXPECT_EQ(read_all(file).error, "link type LINUX_SLL2 (276), need Ethernet (1)");
  const Outcome mixed = read_all(join(kSectionHeader, kNanoInterface, kRawInterface, kEnhancedPackets));
  EXPECT_TRUE(mixed.packets.empty());
  EXPECT_NE(mixed.error, "") << "interfaces of different link types";
}

TEST(CaptureReader, WhatIsNoCaptureIsRefused) {
  EXPECT_EQ(read_all("/nonexistent/a.pcap").error, "No such file or directory");
  EXPECT_EQ(read_all(testing::TempDir()).error, "Is a directory");
  EXPECT_EQ(read_all(Octets{}).error, "empty file, not a capture");
  EXPECT_EQ(read_all(from_hex("7f454c46 00000000 00000000 00000000 00000000 00000000 00000000")).error,
            "not a pcap or pcapng capture: unknown file format");
}

TEST(CaptureReader, AnAbsurdPacketLengthIsAnError) {
  Octets file = kLittleNano;
  file[24 + 11] = 0x7f;  // captured length 0x7f000003
  const Outcome outcome = read_all(file);
  EXPECT_TRUE(outcome.packets.empty());
  EXPECT_TRUE(outcome.error.starts_with("unreadable after packet 0: ")) << outcome.error;
}

TEST(CaptureReader, MovesWithItsFile) {
  const ScratchFile a(kLittleMicro);
  const ScratchFile b(kBigNano);
  auto reader = CaptureReader::open(a.path());
  auto other = CaptureReader::open(b.path());
  ASSERT_TRUE(reader && other);
  *reader = std::move(*other);
  CaptureReader::Packet packet;
  EXPECT_EQ(reader->next(packet), CaptureReader::Next::packet);
  EXPECT_EQ(reader->next(packet), CaptureReader::Next::packet);
  EXPECT_EQ(packet.time_ns, kTime + 7);
}

TEST(CaptureWriter, WritesTheseOctets) {
  const ScratchFile file;
  auto writer = CaptureWriter::open(file.path());
  ASSERT_TRUE(writer);
  const Octets first{0xaa, 0xbb, 0xcc};
  EXPECT_TRUE(writer->write(kTime, first));
  EXPECT_TRUE(writer->write(kTime + 7, {}));
  EXPECT_TRUE(writer->close());
  EXPECT_EQ(file.octets(), from_hex("4d3cb2a1 0200 0400 00000000 00000000 00000400 01000000"
                                    "00f15365 0065cd1d 03000000 03000000 aabbcc"
                                    "00f15365 0765cd1d 00000000 00000000"));
}

TEST(CaptureWriter, LibpcapReadsIt) {
  const ScratchFile file;
  auto writer = CaptureWriter::open(file.path());
  ASSERT_TRUE(writer);
  constexpr int kPackets = 2000;  // more than the buffer holds
  Octets bytes(1500);
  for (int i = 0; i < kPackets; ++i) {
    bytes[0] = static_cast<std::uint8_t>(i);
    EXPECT_TRUE(writer->write(kTime + static_cast<std::uint64_t>(i), bytes));
  }
  ASSERT_TRUE(writer->close());

  std::array<char, PCAP_ERRBUF_SIZE> error{};
  const std::unique_ptr<pcap_t, decltype(&pcap_close)> capture(
      pcap_open_offline_with_tstamp_precision(file.path().c_str(), PCAP_TSTAMP_PRECISION_NANO, error.data()),
      pcap_close);
  ASSERT_NE(capture, nullptr) << error.data();
  EXPECT_EQ(pcap_datalink(capture.get()), DLT_EN10MB);
  EXPECT_EQ(pcap_snapshot(capture.get()), 262144);
  pcap_pkthdr* header = nullptr;
  const u_char* data = nullptr;
  for (int i = 0; i < kPackets; ++i) {
    ASSERT_EQ(pcap_next_ex(capture.get(), &header, &data), 1);
    EXPECT_EQ(header->ts.tv_usec, 500'000'000 + i);
    EXPECT_EQ(header->caplen, 1500u);
    EXPECT_EQ(data[0], static_cast<std::uint8_t>(i));
  }
  EXPECT_EQ(pcap_next_ex(capture.get(), &header, &data), PCAP_ERROR_BREAK);
}

TEST(CaptureWriter, ErrorsAreReported) {
  const auto nowhere = CaptureWriter::open("/nonexistent/a.pcap");
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error(), "/nonexistent/a.pcap: No such file or directory");

  auto full = CaptureWriter::open("/dev/full");
  ASSERT_TRUE(full);
  const Octets bytes(100'000);
  bool written = true;
  for (int i = 0; i < 100 && written; ++i) written = full->write(kTime, bytes);
  EXPECT_FALSE(written);
  const auto closed = full->close();
  ASSERT_FALSE(closed);
  EXPECT_EQ(closed.error(), "/dev/full: No space left on device");

  auto little = CaptureWriter::open("/dev/full");  // all of it fits into the buffer: only close can tell
  ASSERT_TRUE(little);
  EXPECT_TRUE(little->write(kTime, Octets{1}));
  EXPECT_FALSE(little->close());
}

TEST(CaptureWriter, NothingIsWrittenAfterClose) {
  const ScratchFile file;
  auto writer = CaptureWriter::open(file.path());
  ASSERT_TRUE(writer && writer->close());
  EXPECT_FALSE(writer->write(kTime, Octets{1}));
  EXPECT_FALSE(writer->close());
}

}  // namespace
}  // namespace strata::replay
