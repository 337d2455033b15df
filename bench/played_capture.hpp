// A capture file that a device plays over and over, as long as this lives.
#pragma once

#include <cstdint>
#include <string>
#include <tl/expected.hpp>
#include <vector>

namespace strata::bench {

using Frames = std::vector<std::vector<std::uint8_t>>;

class PlayedCapture {
 public:
  static tl::expected<PlayedCapture, std::string> create(const Frames& frames);
  PlayedCapture(PlayedCapture&&) noexcept;
  PlayedCapture& operator=(PlayedCapture&&) = delete;
  ~PlayedCapture();

  // As a configuration names it.
  std::string device() const;

 private:
  explicit PlayedCapture(std::string folder) : folder_(std::move(folder)) {}
  std::string path() const { return folder_ + "/frames.pcap"; }
  tl::expected<void, std::string> write(const Frames& frames) const;

  std::string folder_;
};

}  // namespace strata::bench
