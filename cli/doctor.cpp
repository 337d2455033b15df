#include "cli/doctor.hpp"

#include <iostream>
#include <memory>

#include "config/parser.hpp"
#include "control/doctor/doctor.hpp"

namespace strata::cli {
namespace {

struct DoctorOptions {
  std::string config;
  bool json = false;
};

int examine_and_tell(const Machine& machine, const config::Config* config, bool json) {
  const Findings findings = examine(machine, config);
  const bool good = can_start(findings);
  if (json)
    std::cout << to_json(findings).dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << "\n";
  else
    std::cout << to_text(findings, Grade::fine) << (good ? "nothing stops a start\n" : "strata run will not start\n");
  return good ? 0 : 1;
}

int doctor(const DoctorOptions& options) {
  const Machine machine;
  if (options.config.empty()) return examine_and_tell(machine, nullptr, options.json);
  const auto config = config::parse_file(options.config);
  if (config) return examine_and_tell(machine, &*config, options.json);
  for (const config::Problem& problem : config.error()) std::cerr << config::to_string(problem, options.config) << "\n";
  std::cerr << "strata doctor: mistakes in " << options.config << ": " << config.error().size()
            << "; nothing was examined\n";
  return 1;
}

}  // namespace

void add_doctor(CLI::App& app, std::function<int()>& run) {
  const auto options = std::make_shared<DoctorOptions>();
  CLI::App* command = app.add_subcommand("doctor", "Say what stops `strata run` on this machine, and what mends it");
  command->add_option("config", options->config, "The configuration (YAML); left out: of the machine alone")
      ->type_name("CONFIG");
  command->add_flag("--json", options->json, "Print a JSON object");
  command->callback([options, &run] { run = [options] { return doctor(*options); }; });
}

}  // namespace strata::cli
