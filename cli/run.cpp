#include "cli/run.hpp"

#include <iostream>
#include <memory>

#include "config/parser.hpp"
#include "control/gateway.hpp"
#include "control/signals.hpp"

namespace strata::cli {
namespace {

struct RunOptions {
  std::string config;
  std::vector<std::string> eal;
};

int fail(const std::string& sentence) {
  std::cerr << "strata run: " << sentence << "\n";
  return 1;
}

int run_gateway(const RunOptions& options) {
  const auto config = config::parse_file(options.config);
  if (!config) {
    for (const config::Problem& problem : config.error())
      std::cerr << config::to_string(problem, options.config) << "\n";
    return fail("nothing was started");
  }
  catch_signals();
  auto gateway = Gateway::start(*config, options.eal);
  if (!gateway) return fail(gateway.error());
  (*gateway)->run();
  const unsigned lost = (*gateway)->stop();
  if (lost != 0) return fail(std::to_string(lost) + " packet buffers were lost on the way");
  return 0;
}

}  // namespace

void add_run(CLI::App& app, std::function<int()>& run) {
  const auto options = std::make_shared<RunOptions>();
  CLI::App* command = app.add_subcommand("run", "Run the gateway on its devices, until SIGTERM or SIGINT");
  command->add_option("config", options->config, "The configuration (YAML)")->required()->type_name("CONFIG");
  command->add_option("eal", options->eal, "Words for DPDK's EAL, after --")->type_name("-- EAL ARGUMENTS");
  command->callback([options, &run] { run = [options] { return run_gateway(*options); }; });
}

}  // namespace strata::cli
