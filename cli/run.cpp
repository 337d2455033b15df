#include "cli/run.hpp"

#include <cstdlib>
#include <iostream>
#include <memory>

#include "config/parser.hpp"
#include "control/doctor/doctor.hpp"
#include "control/gateway.hpp"
#include "control/signals.hpp"

namespace strata::cli {
namespace {

struct Options {
  std::string config;
  RunOptions run;
  unsigned statistics = 0;
  bool json = false;
};

int fail(const std::string& sentence) {
  std::cerr << "strata run: " << sentence << "\n";
  return 1;
}

int run_gateway(Options& options) {
  auto parsed = config::parse_file(options.config);
  if (!parsed) {
    for (const config::Problem& problem : parsed.error())
      std::cerr << config::to_string(problem, options.config) << "\n";
    return fail("mistakes in " + options.config + ": " + std::to_string(parsed.error().size()) +
                "; nothing was started");
  }
  auto config = std::make_shared<const config::Config>(std::move(*parsed));
  options.run.statistics = std::chrono::seconds(options.statistics);
  options.run.version = STRATA_VERSION;
  options.run.on_request = [](const RunReport& report) { std::cerr << to_text(report) << std::flush; };
  catch_signals();
  auto gateway = Gateway::start(config, options.run);
  if (!gateway) {
    std::cerr << to_text(examine(Machine(), &*config), Grade::stops);
    return fail(gateway.error());
  }
  config.reset();  // once it is another one, its keys are to go
  const RunReport report = (*gateway)->run();
  if (!report.threads_remain) gateway->reset();
  std::cout << (options.json ? printed(to_json(report)) : to_text(report)) << std::flush;
  for (const std::string& error : report.errors) fail(error);
  if (report.threads_remain) std::_Exit(1);
  return report.balanced() && report.errors.empty() ? 0 : 1;
}

}  // namespace

void add_run(CLI::App& app, std::function<int()>& run) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("run", "Run the gateway on its devices, until SIGTERM or SIGINT");
  command->add_option("config", options->config, "The configuration (YAML)")->required()->type_name("CONFIG");
  command->add_option("eal", options->run.eal, "Words for DPDK's EAL, after --; they win over the configuration's")
      ->type_name("-- WORD...");
  command->add_option("--stats", options->statistics, "Print a line of rates for each port, each so many seconds")
      ->type_name("SECONDS")
      ->check(CLI::Range(1, 86400));
  command->add_option("--socket", options->run.socket, "The control socket; else the configuration says, see control")
      ->type_name("PATH");
  command->add_option("--user", options->run.user, "Become this user, without rights, once the devices are open")
      ->type_name("NAME");
  command->add_flag("--json", options->json, "Print the report at the end as JSON");
  command->callback([options, &run] { run = [options] { return run_gateway(*options); }; });
}

}  // namespace strata::cli
