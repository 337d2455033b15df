// Capture files, and the frames in them as people are shown them. What was read and is written comes back the same; the
// dissector stays within each frame.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "replay/capture.hpp"
#include "replay/difference.hpp"
#include "replay/dissect.hpp"
#include "replay/hex_dump.hpp"
#include "tests/fuzz/fail.hpp"
#include "tests/unit/hex.hpp"

namespace strata::fuzz {
namespace {

using replay::CaptureReader;
using test::Octets;

constexpr std::size_t kMostPackets = 64;
constexpr std::size_t kSnapLength = 262144;

// A file in memory, under a name.
class MemoryFile {
 public:
  MemoryFile() : fd_(memfd_create("capture", MFD_CLOEXEC)), path_("/proc/self/fd/" + std::to_string(fd_)) {
    if (fd_ < 0) fail("no file in memory");
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { ::close(fd_); }

  void write(const std::uint8_t* data, std::size_t size) const {
    while (size > 0) {
      const ssize_t n = ::write(fd_, data, size);
      if (n <= 0) fail("the file in memory takes nothing");
      data += n;
      size -= static_cast<std::size_t>(n);
    }
  }
  const std::string& path() const { return path_; }

 private:
  int fd_;
  std::string path_;
};

struct Frame {
  std::uint64_t time_ns;
  Octets octets;
  bool operator==(const Frame&) const = default;
};

std::vector<Frame> frames_of(const std::string& path) {
  std::vector<Frame> frames;
  auto reader = CaptureReader::open(path);
  if (!reader) {
    if (!reader.error().starts_with(path)) fail("an error that does not name its file: " + reader.error());
    return frames;
  }
  CaptureReader::Packet packet;
  CaptureReader::Next next = CaptureReader::Next::packet;
  while (frames.size() < kMostPackets && (next = reader->next(packet)) == CaptureReader::Next::packet)
    frames.push_back({packet.time_ns, Octets(packet.bytes.begin(), packet.bytes.end())});
  if (reader->packets_read() != frames.size()) fail("another number of packets than were read");
  if ((next == CaptureReader::Next::failed) == reader->error().empty()) fail("an end that is no end, or no failure");
  if (next == CaptureReader::Next::failed && reader->next(packet) != CaptureReader::Next::failed)
    fail("a file that failed goes on");
  return frames;
}

void show(const Frame& frame) {
  const std::size_t size = frame.octets.size();
  for (const replay::Layer& layer : replay::dissect(frame.octets)) {
    if (layer.name.empty()) fail("a layer without a name");
    if (layer.offset > size || layer.length > size - layer.offset) fail("a layer beyond its frame: " + layer.name);
    for (const replay::Field& field : layer.fields)
      if (field.offset > size || field.length > size - field.offset)
        fail("a field beyond its frame: " + layer.name + "." + field.name);
  }
  if (replay::summary(frame.octets).find('\n') != std::string::npos) fail("a summary of several lines");
  if (replay::dump(frame.octets).empty() != frame.octets.empty()) fail("a dump of nothing");
}

void show_difference(const Frame& one, const Frame& other) {
  const auto difference = replay::packet_difference(1, one.octets, other.octets);
  if (difference.has_value() == (one.octets == other.octets)) fail("a difference of equals, or none");
}

// Times of a capture have 32 bits of seconds.
bool fits(const Frame& frame) {
  return frame.time_ns / 1'000'000'000 <= UINT32_MAX && frame.octets.size() <= kSnapLength;
}

void write_and_read(std::vector<Frame> frames) {
  std::erase_if(frames, [](const Frame& frame) { return !fits(frame); });
  const MemoryFile file;
  auto writer = replay::CaptureWriter::open(file.path());
  if (!writer) fail(writer.error());
  for (const Frame& frame : frames) writer->write(frame.time_ns, frame.octets);
  if (const auto done = writer->close(); !done) fail(done.error());
  if (frames_of(file.path()) != frames) fail("what was written is not what is read");
}

void read(const std::uint8_t* data, std::size_t size) {
  const MemoryFile file;
  file.write(data, size);
  const std::vector<Frame> frames = frames_of(file.path());
  if (frames_of(file.path()) != frames) fail("other packets the second time");
  for (std::size_t i = 0; i < frames.size(); ++i) {
    show(frames[i]);
    show_difference(frames[i], frames[(i + 1) % frames.size()]);
  }
  write_and_read(frames);
}

}  // namespace
}  // namespace strata::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  strata::fuzz::read(data, size);
  return 0;
}
