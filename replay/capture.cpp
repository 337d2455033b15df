#include "replay/capture.hpp"

#include <pcap/pcap.h>
#include <sys/stat.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <system_error>
#include <utility>

namespace strata::replay {
namespace {

constexpr std::size_t kFileBuffer = 1 << 20;  // octets; glibc's own 4 KiB would mean a system call every few packets
constexpr std::uint32_t kSnapLength = 262144;
constexpr std::uint32_t kLinkEthernet = 1;
constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;

std::string describe_errno(const std::string& path, int error) {
  return path + ": " + std::generic_category().message(error);
}

// The kernel opens a directory for reading and libpcap calls an empty file truncated: say it better.
std::string why_not_a_file(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return describe_errno(path, errno);
  if (S_ISDIR(status.st_mode)) return describe_errno(path, EISDIR);
  if (S_ISREG(status.st_mode) && status.st_size == 0) return path + ": empty file, not a capture";
  return {};
}

std::string wrong_link_type(const std::string& path, int type) {
  const char* name = pcap_datalink_val_to_name(type);
  return path + ": link type " + (name != nullptr ? name : "unknown") + " (" + std::to_string(type) +
         "), need Ethernet (1)";
}

// libpcap: "truncated dump file; tried to read 4 bytes, only got 1", and "truncated pcapng dump file; ...".
std::string describe_read_error(const std::string& path, std::uint64_t packets, std::string_view message) {
  const std::string after = " after packet " + std::to_string(packets) + ": ";
  if (!message.starts_with("truncated")) return path + ": unreadable" + after + std::string(message);
  const auto detail = message.find("; ");
  return path + ": truncated" + after + std::string(detail == message.npos ? message : message.substr(detail + 2));
}

// Files made with libpcap hold seconds as 32 bits; libpcap reads them with a sign, which ends in 2038.
std::uint64_t to_nanoseconds(const timeval& time) {
  const auto seconds =
      time.tv_sec < 0 ? static_cast<std::uint32_t>(time.tv_sec) : static_cast<std::uint64_t>(time.tv_sec);
  return seconds * kNanosecondsPerSecond +
         static_cast<std::uint64_t>(time.tv_usec);  // opened with nanosecond precision
}

constexpr std::uint32_t little_endian(std::uint32_t value) {
  return std::endian::native == std::endian::little ? value : __builtin_bswap32(value);
}

}  // namespace

struct CaptureReader::Source {
  std::string path;
  std::string error;
  std::uint64_t packets = 0;
  std::unique_ptr<char[]> buffer;
  pcap_t* capture = nullptr;

  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  ~Source() {
    if (capture != nullptr) pcap_close(capture);  // closes the file too, which still uses the buffer
  }
};

CaptureReader::CaptureReader(std::unique_ptr<Source> source) : source_(std::move(source)) {}
CaptureReader::CaptureReader(CaptureReader&&) noexcept = default;
CaptureReader& CaptureReader::operator=(CaptureReader&&) noexcept = default;
CaptureReader::~CaptureReader() = default;

tl::expected<CaptureReader, std::string> CaptureReader::open(const std::string& path) {
  if (auto reason = why_not_a_file(path); !reason.empty()) return tl::unexpected(std::move(reason));
  std::FILE* file = std::fopen(path.c_str(), "rbe");
  if (file == nullptr) return tl::unexpected(describe_errno(path, errno));

  auto source = std::make_unique<Source>();
  source->path = path;
  source->buffer = std::make_unique_for_overwrite<char[]>(kFileBuffer);
  (void)std::setvbuf(file, source->buffer.get(), _IOFBF, kFileBuffer);

  std::array<char, PCAP_ERRBUF_SIZE> message{};
  source->capture = pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, message.data());
  if (source->capture == nullptr) {
    (void)std::fclose(file);
    return tl::unexpected(path + ": not a pcap or pcapng capture: " + message.data());
  }
  if (const int type = pcap_datalink(source->capture); type != DLT_EN10MB)
    return tl::unexpected(wrong_link_type(path, type));
  return CaptureReader(std::move(source));
}

CaptureReader::Next CaptureReader::next(Packet& packet) {
  if (!source_->error.empty()) return Next::failed;
  pcap_pkthdr* header = nullptr;
  const u_char* bytes = nullptr;
  switch (pcap_next_ex(source_->capture, &header, &bytes)) {
    case 1:
      ++source_->packets;
      packet = {.time_ns = to_nanoseconds(header->ts), .bytes = {bytes, header->caplen}, .wire_length = header->len};
      return Next::packet;
    case PCAP_ERROR_BREAK: return Next::end;
    default:
      source_->error = describe_read_error(source_->path, source_->packets, pcap_geterr(source_->capture));
      return Next::failed;
  }
}

const std::string& CaptureReader::error() const { return source_->error; }
std::uint64_t CaptureReader::packets_read() const { return source_->packets; }

CaptureWriter::CaptureWriter(const std::string& path, std::FILE* file)
    : path_(path), file_(file, CloseFile{std::make_unique_for_overwrite<char[]>(kFileBuffer)}) {
  (void)std::setvbuf(file, file_.get_deleter().buffer.get(), _IOFBF, kFileBuffer);
}

tl::expected<CaptureWriter, std::string> CaptureWriter::open(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "wbe");
  if (file == nullptr) return tl::unexpected(describe_errno(path, errno));
  CaptureWriter writer(path, file);
  // pcap file header: magic (here: nanoseconds), version 2.4, time zone, accuracy, snap length, link type. Always
  // little endian, so that outputs of different machines can be compared with cmp.
  const std::array<std::uint32_t, 6> header{little_endian(0xa1b23c4d),  little_endian(4u << 16 | 2u), 0, 0,
                                            little_endian(kSnapLength), little_endian(kLinkEthernet)};
  writer.put(header.data(), sizeof header);
  return writer;
}

bool CaptureWriter::write(std::uint64_t time_ns, std::span<const std::uint8_t> bytes) {
  const auto length = static_cast<std::uint32_t>(bytes.size());
  const auto stored = length < kSnapLength ? length : kSnapLength;
  const std::array<std::uint32_t, 4> header{little_endian(static_cast<std::uint32_t>(time_ns / kNanosecondsPerSecond)),
                                            little_endian(static_cast<std::uint32_t>(time_ns % kNanosecondsPerSecond)),
                                            little_endian(stored), little_endian(length)};
  return put(header.data(), sizeof header) && put(bytes.data(), stored);
}

tl::expected<void, std::string> CaptureWriter::close() {
  if (file_ != nullptr && std::fclose(file_.release()) != 0 && errno_ == 0) errno_ = errno;
  if (errno_ != 0) return tl::unexpected(describe_errno(path_, errno_));
  return {};
}

bool CaptureWriter::put(const void* data, std::size_t length) {
  if (errno_ != 0) return false;
  if (file_ == nullptr) {
    errno_ = EBADF;
    return false;
  }
  if (length == 0 || std::fwrite(data, 1, length, file_.get()) == length) return true;
  errno_ = errno != 0 ? errno : EIO;
  return false;
}

}  // namespace strata::replay
