// The frames of several captures as one sequence of bursts.
#pragma once

#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "dataplane/packet/id.hpp"
#include "replay/capture.hpp"

namespace strata::replay {

// Merges captures by time. A frame stays valid until the following advance().
class Feed {
 public:
  // most: octets; larger frames are left out.
  explicit Feed(std::size_t most) : most_(most) {}

  tl::expected<void, std::string> add(PortId port, const std::string& file);

  struct Frame {
    PortId port;
    std::uint64_t time_ns;
    std::span<const std::uint8_t> bytes;
  };
  // The next frame of all; nothing: all captures have ended.
  std::optional<Frame> front() const;
  void advance();

  // What was wrong with the captures so far: those that ended before their time, one sentence each, those with frames
  // that the snap length cut, and those with frames that were left out.
  std::vector<std::string> errors() const;

 private:
  // Frames with something wrong are counted, and the first is told of.
  struct Tally {
    std::uint64_t count = 0;
    std::uint64_t number = 0;  // of the first, from 1
    std::size_t octets = 0;    // it has in the capture
    std::size_t wire_octets = 0;
    void add(std::uint64_t packet_number, const CaptureReader::Packet& packet);
  };
  struct Source {
    PortId port;
    std::string file;
    CaptureReader reader;
    CaptureReader::Packet packet;
    Tally cut;
    Tally too_large;
    bool ended;
  };
  void read(Source& source);
  void choose();

  std::size_t most_;
  std::vector<Source> sources_;
  std::optional<std::size_t> next_;
};

}  // namespace strata::replay
