// Captures as pcapng: what is written is judged by libpcap.
#include <gtest/gtest.h>

#include <numeric>

#include "replay/capture.hpp"
#include "replay/pcapng.hpp"
#include "tests/unit/scratch_file.hpp"

namespace strata::replay {
namespace {

using test::ScratchFile;

constexpr std::uint64_t kTime = 1'700'000'000'123'456'789;

std::vector<std::uint8_t> octets(std::size_t count) {
  std::vector<std::uint8_t> made(count);
  std::iota(made.begin(), made.end(), std::uint8_t{1});
  return made;
}

// Of each length, so that each padding is there; with comments of each length, too.
TEST(Pcapng, PacketsAreReadAsTheyWereWritten) {
  const ScratchFile file;
  auto writer = PcapngWriter::open(file.path(), "strata", "all of it", "udp port 4500");
  ASSERT_TRUE(writer) << writer.error();
  for (std::size_t i = 0; i < 9; ++i) {
    const auto bytes = octets(i);
    const auto wrote = writer->write({.time_ns = kTime + i,
                                      .interface = i % 2 == 0 ? "wan" : "lan",
                                      .direction = PcapngWriter::Direction::in,
                                      .length = 100 + i,
                                      .bytes = bytes,
                                      .comments = std::vector<std::string>(i % 3, std::string(i, 'c'))});
    ASSERT_TRUE(wrote) << wrote.error();
  }
  ASSERT_TRUE(writer->finish(7, kTime + 9));

  auto reader = CaptureReader::open(file.path());
  ASSERT_TRUE(reader) << reader.error();
  CaptureReader::Packet packet;
  for (std::size_t i = 0; i < 9; ++i) {
    ASSERT_EQ(reader->next(packet), CaptureReader::Next::packet) << reader->error();
    EXPECT_EQ(packet.time_ns, kTime + i);
    EXPECT_EQ(packet.wire_length, 100 + i);
    EXPECT_EQ(std::vector<std::uint8_t>(packet.bytes.begin(), packet.bytes.end()), octets(i));
  }
  EXPECT_EQ(reader->next(packet), CaptureReader::Next::end) << reader->error();
}

TEST(Pcapng, AFullDiskIsSaid) {
  auto writer = PcapngWriter::open("/dev/full", "strata", "", "");
  ASSERT_FALSE(writer);
  EXPECT_EQ(writer.error(), "/dev/full: No space left on device");
}

}  // namespace
}  // namespace strata::replay
