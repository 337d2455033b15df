// `strata replay`: captures through the dataplane of `strata run`, and the account of it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "dataplane/packet/pool.hpp"
#include "replay/report.hpp"

namespace strata::replay {

struct PortFile {
  std::string port;
  std::string file;
};

struct Options {
  std::vector<PortFile> in;
  std::vector<PortFile> out;
  std::vector<PortFile> expect;
  std::function<void(ExplainedPacket&&)>
      explain;             // told of each packet as soon as it has ended; nothing: not asked for
  std::size_t burst = 64;  // packets a turn, 1 to 64; 1 when explaining
  std::optional<Poison> poison;
};

// Frames of several ports go in by the time of their capture, at the same time in the order of `in`; what comes out has
// the time of what went in. The report has the errors that came up on the way: a capture cut short, a disk that is
// full. Error: nothing was replayed, and why.
tl::expected<Report, std::string> replay(const config::Config& config, const Options& options);

}  // namespace strata::replay
