// Capture files: what `strata replay` reads and writes, and nothing about what is in the packets.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <tl/expected.hpp>

namespace strata::replay {

/// Reads a pcap or pcapng file packet by packet, in either byte order, with times in micro- or nanoseconds.
/// Nothing is allocated for a packet. All errors are one sentence that begins with the file's name.
class CaptureReader {
 public:
  struct Packet {
    std::uint64_t time_ns = 0;            // since 1970
    std::span<const std::uint8_t> bytes;  // what was captured; valid until the following next()
    std::uint32_t wire_length = 0;        // octets the packet had; more than bytes holds if the capture cut it
  };
  enum class Next { packet, end, failed };

  /// Errors: the file cannot be read, is not a capture, or its link type is not Ethernet.
  static tl::expected<CaptureReader, std::string> open(const std::string& path);

  CaptureReader(CaptureReader&&) noexcept;
  CaptureReader& operator=(CaptureReader&&) noexcept;
  ~CaptureReader();

  /// failed: error() says why and after which packet; all packets before it were good ones. It stays failed.
  Next next(Packet& packet);
  const std::string& error() const;
  std::uint64_t packets_read() const;

 private:
  struct Source;
  explicit CaptureReader(std::unique_ptr<Source> source);
  std::unique_ptr<Source> source_;
};

/// Writes a pcap file with nanoseconds and link type Ethernet. The same packets make the same file, on any machine.
class CaptureWriter {
 public:
  /// Replaces what the file held. Error: it cannot be written.
  static tl::expected<CaptureWriter, std::string> open(const std::string& path);

  /// false: an error, which close() will report; later packets are not written.
  bool write(std::uint64_t time_ns, std::span<const std::uint8_t> bytes);

  /// Only after this is the file whole. Errors of all writes are reported here, a full disk for example.
  tl::expected<void, std::string> close();

 private:
  // The deleter holds the file's buffer, which has to live until the file is closed.
  struct CloseFile {
    std::unique_ptr<char[]> buffer;
    void operator()(std::FILE* file) const { (void)std::fclose(file); }
  };
  CaptureWriter(const std::string& path, std::FILE* file);
  bool put(const void* data, std::size_t length);

  std::string path_;
  std::unique_ptr<std::FILE, CloseFile> file_;
  int errno_ = 0;  // of the first write that failed
};

}  // namespace strata::replay
