// What was sent, port by port: written to captures, and held against what was expected.
#pragma once

#include <map>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "dataplane/packet/id.hpp"
#include "replay/capture.hpp"
#include "replay/report.hpp"

namespace strata::replay {

class Outputs {
 public:
  using Status = tl::expected<void, std::string>;

  explicit Outputs(const DissectOptions& dissect) : dissect_(dissect) {}
  Outputs(Outputs&&) = delete;
  ~Outputs();

  // Reads only, so that all that is wrong with an expectation is found before a file is replaced.
  Status expect(PortId port, const std::string& port_name, const std::string& file);
  Status write_to(PortId port, const std::string& file);
  // After all of these: what ports without write_to send, but with an expectation, goes to a file that is removed at
  // the end.
  Status complete();

  void sent(PortId port, std::uint64_t time_ns, std::span<const std::uint8_t> frame);

  // After the last frame: closes the files and compares. Errors are added to the report's.
  void finish(Report& report);

 private:
  struct Output {
    std::string file;
    CaptureWriter writer;
    bool temporary;
  };
  struct Expected {
    PortId port;
    std::string port_name;
    std::string file;
  };

  const DissectOptions& dissect_;          // for the words of a difference
  std::map<std::size_t, Output> outputs_;  // by PortId
  std::vector<Expected> expected_;
};

}  // namespace strata::replay
