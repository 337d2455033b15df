#include "replay/outputs.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>

namespace strata::replay {
namespace {

tl::expected<std::string, std::string> temporary_file() {
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::temp_directory_path(error);
  std::string name = (folder / "strata-replay-XXXXXX").string();
  const int file = error ? -1 : mkstemp(name.data());
  if (file < 0) return tl::unexpected("no temporary file in " + folder.string() + "; give --out for each --expect");
  close(file);
  return name;
}

}  // namespace

Outputs::~Outputs() {
  for (const auto& [port, output] : outputs_)
    if (output.temporary) unlink(output.file.c_str());
}

Outputs::Status Outputs::expect(PortId port, const std::string& port_name, const std::string& file) {
  // Found unreadable now rather than after a long replay.
  if (auto opened = CaptureReader::open(file); !opened) return tl::unexpected(std::move(opened.error()));
  expected_.push_back({port, port_name, file});
  return {};
}

Outputs::Status Outputs::write_to(PortId port, const std::string& file) {
  auto writer = CaptureWriter::open(file);
  if (!writer) return tl::unexpected(std::move(writer.error()));
  outputs_.emplace(port.index(), Output{file, std::move(*writer), false});
  return {};
}

Outputs::Status Outputs::complete() {
  for (const Expected& expected : expected_) {
    if (outputs_.contains(expected.port.index())) continue;
    auto name = temporary_file();
    if (!name) return tl::unexpected(std::move(name.error()));
    auto writer = CaptureWriter::open(*name);
    if (!writer) return tl::unexpected(std::move(writer.error()));
    outputs_.emplace(expected.port.index(), Output{*name, std::move(*writer), true});
  }
  return {};
}

void Outputs::sent(PortId port, std::uint64_t time_ns, std::span<const std::uint8_t> frame) {
  const auto output = outputs_.find(port.index());
  if (output != outputs_.end()) output->second.writer.write(time_ns, frame);
}

void Outputs::finish(Report& report) {
  for (auto& [port, output] : outputs_)
    if (auto closed = output.writer.close(); !closed) report.errors.push_back(std::move(closed.error()));
  for (const Expected& expected : expected_) {
    Expectation made{.port = expected.port_name, .file = expected.file, .difference = {}, .error = {}};
    auto compared = first_difference(expected.file, outputs_.at(expected.port.index()).file, dissect_);
    if (compared)
      made.difference = std::move(*compared);
    else
      made.error = std::move(compared.error());
    report.expect.push_back(std::move(made));
  }
}

}  // namespace strata::replay
