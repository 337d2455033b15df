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
  tl::expected<void, std::string> add(PortId port, const std::string& file);

  struct Frame {
    PortId port;
    std::uint64_t time_ns;
    std::span<const std::uint8_t> bytes;
  };
  // The next frame of all; nothing: all captures have ended.
  std::optional<Frame> front() const;
  void advance();

  // Of captures that ended before their time.
  const std::vector<std::string>& errors() const { return errors_; }

 private:
  struct Source {
    PortId port;
    CaptureReader reader;
    CaptureReader::Packet packet;
    bool ended;
  };
  void read(Source& source);
  void choose();

  std::vector<Source> sources_;
  std::optional<std::size_t> next_;
  std::vector<std::string> errors_;
};

}  // namespace strata::replay
