// A capture as pcapng (draft-ietf-opsawg-pcapng): packets of several link types and ports in one file, with comments.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "control/descriptor.hpp"

namespace strata::replay {

// What its packets begin with: numbers of the registry of link types.
enum class LinkType : std::uint16_t {
  ethernet = 1,
  raw_ip = 101,
  exported_pdu = 252,  // begins with the name of the dissector that knows the rest
};

// Each packet is in the file when write() returns: whoever reads it meanwhile sees it.
class PcapngWriter {
 public:
  enum class Direction : std::uint32_t { unknown = 0, in = 1, out = 2 };

  struct Packet {
    std::uint64_t time_ns = 0;  // since 1970
    std::string_view interface {};
    LinkType link = LinkType::ethernet;
    Direction direction = Direction::unknown;
    std::size_t length = 0;                 // octets that it had
    std::span<const std::uint8_t> bytes{};  // of them those that are kept
    std::vector<std::string> comments{};
  };

  // path: what is there is replaced; "-": standard output. program: who made the file. about: a comment on all of it.
  // filter: of each interface; empty: none. The error is one sentence that begins with the file's name.
  static tl::expected<PcapngWriter, std::string> open(const std::string& path, const std::string& program,
                                                      const std::string& about, std::string filter);

  // After an error the file ends behind the last packet that is in it as a whole; no more can be written.
  tl::expected<void, std::string> write(const Packet& packet);
  // The end of each interface's part, with how many could not be captured, where that is known.
  tl::expected<void, std::string> finish(std::optional<std::uint64_t> lost, std::uint64_t time_ns);

  const std::string& name() const { return name_; }
  // Standard output is a pipe, and nobody reads it any more.
  bool reader_is_gone() const;
  // To wait at for that; -1: there is none.
  int pipe() const { return is_pipe_ ? fd_ : -1; }

 private:
  struct Interface {
    std::uint32_t number = 0;
    std::uint64_t packets = 0;
  };
  using Key = std::pair<std::string, LinkType>;

  PcapngWriter(std::string name, int fd, Descriptor owned, std::string filter);
  Interface& interface_of(const Packet& packet, std::string& out);
  tl::expected<void, std::string> put(std::string_view blocks);

  std::string name_;  // for errors
  int fd_;
  Descriptor owned_;  // standard output is not
  bool is_pipe_ = false;
  bool is_file_ = false;
  std::string filter_;
  std::string error_;        // of the first write that failed
  std::uint64_t whole_ = 0;  // octets up to the last block that is complete
  std::map<Key, Interface> interfaces_;
};

}  // namespace strata::replay
