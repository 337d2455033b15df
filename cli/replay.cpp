#include "cli/replay.hpp"

#include <iostream>
#include <memory>
#include <set>

#include "config/parser.hpp"
#include "replay/engine.hpp"

namespace strata::cli {
namespace {

struct ReplayOptions {
  std::string config;
  std::vector<std::string> in;
  std::vector<std::string> out;
  std::vector<std::string> expect;
  std::string poison;
  replay::Options replay;
  bool explain = false;
  bool json = false;
};

// PORT=FILE; a file's name may hold further '='.
std::string check_port_file(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == 0 || equals == std::string::npos || equals + 1 == text.size())
    return "'" + text + "' is not PORT=FILE, as in lan=lan.pcap";
  return {};
}

std::vector<replay::PortFile> port_files(const std::vector<std::string>& given) {
  std::vector<replay::PortFile> made;
  for (const std::string& text : given) {
    const std::size_t equals = text.find('=');
    made.push_back({text.substr(0, equals), text.substr(equals + 1)});
  }
  return made;
}

// One capture for each port and direction: two would have to be merged, or would overwrite each other.
std::string twice(const std::vector<replay::PortFile>& files, const char* option) {
  std::set<std::string> seen;
  for (const replay::PortFile& file : files)
    if (!seen.insert(file.port).second) return std::string(option) + " is given twice for port " + file.port;
  return {};
}

int fail(const std::string& sentence, int code) {
  std::cerr << "strata replay: " << sentence << "\n";
  return code;
}

bool has_failed(const replay::Report& report) {
  bool failed = !report.errors.empty() || !report.balanced();
  for (const replay::Expectation& expectation : report.expect) failed = failed || !expectation.match();
  return failed;
}

int run_replay(ReplayOptions& options) {
  options.replay.in = port_files(options.in);
  options.replay.out = port_files(options.out);
  options.replay.expect = port_files(options.expect);
  if (!options.poison.empty()) options.replay.poison = static_cast<Poison>(std::stoi(options.poison, nullptr, 16));
  for (const auto& [files, option] : {std::pair{&options.replay.in, "--in"}, std::pair{&options.replay.out, "--out"},
                                      std::pair{&options.replay.expect, "--expect"}}) {
    if (const std::string sentence = twice(*files, option); !sentence.empty()) return fail(sentence, 2);
  }

  const auto config = config::parse_file(options.config);
  if (!config) {
    for (const config::Problem& problem : config.error())
      std::cerr << config::to_string(problem, options.config) << "\n";
    if (config.error().size() == 1) return 1;
    return fail(std::to_string(config.error().size()) + " mistakes in " + options.config + "; nothing was replayed", 1);
  }
  // For a person each packet is told at once: a capture may have more of them than fit into memory.
  std::vector<replay::ExplainedPacket> kept;
  if (options.explain && options.json)
    options.replay.explain = [&](replay::ExplainedPacket&& packet) { kept.push_back(std::move(packet)); };
  else if (options.explain)
    options.replay.explain = [](replay::ExplainedPacket&& packet) { std::cout << replay::to_line(packet); };

  auto report = replay::replay(*config, options.replay);
  if (!report) return fail(report.error(), 1);
  report->packets = std::move(kept);
  if (options.explain && !options.json) std::cout << "\n";
  std::cout << (options.json ? replay::to_json_text(*report) : replay::to_text(*report)) << std::flush;
  for (const std::string& error : report->errors) fail(error, 1);
  return has_failed(*report) ? 1 : 0;
}

}  // namespace

void add_replay(CLI::App& app, std::function<int()>& run) {
  const auto options = std::make_shared<ReplayOptions>();
  CLI::App* command = app.add_subcommand("replay", "Send captures through the dataplane: pcap in, pcap out");
  command->add_option("config", options->config, "The configuration (YAML)")->required()->type_name("CONFIG");
  const CLI::Validator port_file(check_port_file, "PORT=FILE", "port_file");
  command->add_option("--in", options->in, "What arrives at a port: pcap or pcapng")
      ->required()
      ->type_name("PORT=FILE...")
      ->check(port_file);
  command->add_option("--out", options->out, "Where what leaves a port is written: pcap")
      ->type_name("PORT=FILE...")
      ->check(port_file);
  command->add_option("--expect", options->expect, "What should leave a port; the first difference is shown, exit 1")
      ->type_name("PORT=FILE...")
      ->check(port_file);
  command->add_flag("--explain", options->explain, "Tell each packet's journey and end, one line each");
  command->add_flag("--json", options->json, "Print the report as JSON");
  command->add_option("--burst", options->replay.burst, "Packets given to the worker at a time (not with --explain)")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  command->add_option("--poison", options->poison, "Fill buffers with this octet first: what leaves must not change")
      ->check(CLI::IsMember({"00", "a5"}));
  command->callback([options, &run] { run = [options] { return run_replay(*options); }; });
}

}  // namespace strata::cli
