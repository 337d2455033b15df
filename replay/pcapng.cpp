#include "replay/pcapng.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace strata::replay {
namespace {

// Types of blocks, and codes of options; the section says by its magic that all is in this machine's order of octets.
constexpr std::uint32_t kSection = 0x0a0d0d0a;
constexpr std::uint32_t kInterface = 1;
constexpr std::uint32_t kStatistics = 5;
constexpr std::uint32_t kEnhancedPacket = 6;
constexpr std::uint32_t kMagic = 0x1a2b3c4d;

constexpr std::uint16_t kEndOfOptions = 0;
constexpr std::uint16_t kComment = 1;
constexpr std::uint16_t kFlags = 2;        // of a packet
constexpr std::uint16_t kName = 2;         // of an interface
constexpr std::uint16_t kResolution = 9;   // of its times
constexpr std::uint16_t kFilter = 11;      // of what is captured there
constexpr std::uint16_t kApplication = 4;  // of a section
constexpr std::uint16_t kReceived = 4;     // of statistics
constexpr std::uint16_t kDropped = 5;

constexpr char kNanoseconds = 9;
constexpr std::uint32_t kNoLimit = 0;
constexpr std::size_t kLongestOption = 0xffff;

template <class Number>
void add(std::string& out, Number number) {
  out.append(reinterpret_cast<const char*>(&number), sizeof number);
}

void add_padded(std::string& out, std::string_view octets) {
  out += octets;
  out.append((4 - octets.size() % 4) % 4, '\0');
}

void add_option(std::string& out, std::uint16_t code, std::string_view value) {
  value = value.substr(0, kLongestOption);
  add(out, code);
  add(out, static_cast<std::uint16_t>(value.size()));
  add_padded(out, value);
}

template <class Number>
void add_number(std::string& out, std::uint16_t code, Number number) {
  std::string value;
  add(value, number);
  add_option(out, code, value);
}

void add_time(std::string& out, std::uint64_t time_ns) {
  add(out, static_cast<std::uint32_t>(time_ns >> 32));
  add(out, static_cast<std::uint32_t>(time_ns));
}

void add_block(std::string& out, std::uint32_t type, const std::string& body) {
  const auto length = static_cast<std::uint32_t>(12 + body.size());
  add(out, type);
  add(out, length);
  out += body;
  add(out, length);
}

std::string section(const std::string& program, const std::string& about) {
  std::string body;
  add(body, kMagic);
  add(body, std::uint16_t{1});
  add(body, std::uint16_t{0});
  add(body, UINT64_MAX);  // of unknown length
  if (!about.empty()) add_option(body, kComment, about);
  add_option(body, kApplication, program);
  add_option(body, kEndOfOptions, {});
  std::string block;
  add_block(block, kSection, body);
  return block;
}

// draft-ietf-opsawg-pcapng, if_filter: an octet says that a text in libpcap's language follows.
void add_interface(std::string& out, std::string_view name, LinkType link, const std::string& filter) {
  std::string body;
  add(body, static_cast<std::uint16_t>(link));
  add(body, std::uint16_t{0});
  add(body, kNoLimit);
  add_option(body, kName, name);
  add_option(body, kResolution, {&kNanoseconds, 1});
  if (!filter.empty()) add_option(body, kFilter, std::string(1, '\0') + filter);
  add_option(body, kEndOfOptions, {});
  add_block(out, kInterface, body);
}

void add_packet(std::string& out, std::uint32_t interface, const PcapngWriter::Packet& packet) {
  std::string body;
  add(body, interface);
  add_time(body, packet.time_ns);
  add(body, static_cast<std::uint32_t>(packet.bytes.size()));
  add(body, static_cast<std::uint32_t>(packet.length));
  add_padded(body, {reinterpret_cast<const char*>(packet.bytes.data()), packet.bytes.size()});
  for (const std::string& comment : packet.comments) add_option(body, kComment, comment);
  if (packet.direction != PcapngWriter::Direction::unknown)
    add_number(body, kFlags, static_cast<std::uint32_t>(packet.direction));
  add_option(body, kEndOfOptions, {});
  add_block(out, kEnhancedPacket, body);
}

std::string error_of(const std::string& name, int error) { return name + ": " + std::strerror(error); }

}  // namespace

PcapngWriter::PcapngWriter(std::string name, int fd, Descriptor owned, std::string filter)
    : name_(std::move(name)), fd_(fd), owned_(std::move(owned)), filter_(std::move(filter)) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return;
  is_pipe_ = S_ISFIFO(status.st_mode);
  is_file_ = S_ISREG(status.st_mode);
}

tl::expected<PcapngWriter, std::string> PcapngWriter::open(const std::string& path, const std::string& program,
                                                           const std::string& about, std::string filter) {
  Descriptor file;
  const bool is_output = path == "-";
  // Packets may be what others are not to see.
  if (!is_output) file = Descriptor(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!is_output && !file) return tl::unexpected(error_of(path, errno));
  const int fd = is_output ? STDOUT_FILENO : file.number();
  PcapngWriter writer(is_output ? "standard output" : path, fd, std::move(file), std::move(filter));
  if (auto done = writer.put(section(program, about)); !done) return tl::unexpected(done.error());
  return writer;
}

PcapngWriter::Interface& PcapngWriter::interface_of(const Packet& packet, std::string& out) {
  const auto [at, is_new] = interfaces_.try_emplace(Key(packet.interface, packet.link));
  if (!is_new) return at->second;
  at->second.number = static_cast<std::uint32_t>(interfaces_.size() - 1);
  add_interface(out, packet.interface, packet.link, filter_);
  return at->second;
}

tl::expected<void, std::string> PcapngWriter::write(const Packet& packet) {
  std::string out;
  Interface& interface = interface_of(packet, out);
  add_packet(out, interface.number, packet);
  if (auto done = put(out); !done) return done;
  ++interface.packets;
  return {};
}

// Which interface's packets were lost is not known: they stand at the first one, and a comment at all.
tl::expected<void, std::string> PcapngWriter::finish(std::optional<std::uint64_t> lost, std::uint64_t time_ns) {
  std::string out;
  for (const auto& [key, interface] : interfaces_) {
    std::string body;
    add(body, interface.number);
    add_time(body, time_ns);
    if (lost && *lost != 0)
      add_option(body, kComment, std::to_string(*lost) + " packets of all interfaces could not be captured");
    add_number(body, kReceived, interface.packets);
    if (lost) add_number(body, kDropped, interface.number == 0 ? *lost : 0);
    add_option(body, kEndOfOptions, {});
    add_block(out, kStatistics, body);
  }
  if (auto done = put(out); !done) return done;
  if (owned_ && ::close(owned_.release()) != 0) return tl::unexpected(error_of(name_, errno));
  return {};
}

tl::expected<void, std::string> PcapngWriter::put(std::string_view blocks) {
  if (!error_.empty()) return tl::unexpected(error_);
  for (std::size_t done = 0; done < blocks.size();) {
    const ssize_t n = ::write(fd_, blocks.data() + done, blocks.size() - done);
    if (n >= 0) {
      done += static_cast<std::size_t>(n);
      continue;
    }
    const int error = errno;
    pollfd one{.fd = fd_, .events = POLLOUT, .revents = 0};
    if (error == EAGAIN) ::poll(&one, 1, -1);
    if (error == EAGAIN || error == EINTR) continue;
    error_ = error_of(name_, error);
    // Half a block would make all of it unreadable for some.
    if (is_file_ && ::ftruncate(fd_, static_cast<off_t>(whole_)) != 0) error_ += "; its last packet is not whole";
    return tl::unexpected(error_);
  }
  whole_ += blocks.size();
  return {};
}

bool PcapngWriter::reader_is_gone() const {
  pollfd one{.fd = pipe(), .events = 0, .revents = 0};
  return ::poll(&one, 1, 0) == 1 && (one.revents & POLLERR) != 0;
}

}  // namespace strata::replay
