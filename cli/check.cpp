#include "cli/check.hpp"

#include <iostream>
#include <memory>
#include <string>

#include "config/describe.hpp"
#include "config/parser.hpp"

namespace strata::cli {
namespace {

struct CheckOptions {
  std::string config;
  bool json = false;
};

using Problems = std::vector<config::Problem>;

nlohmann::json to_json(const Problems& problems, const std::string& file) {
  nlohmann::json list = nlohmann::json::array();
  for (const config::Problem& p : problems) {
    list.push_back({{"file", file},
                    {"line", p.mark.line},
                    {"column", p.mark.column},
                    {"field", p.field},
                    {"found", p.found},
                    {"message", p.message}});
  }
  return {{"valid", false}, {"problems", list}};
}

// A name or a path may hold octets that are no UTF-8: they are replaced, not thrown about.
std::string printed(const nlohmann::json& json) {
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

int check(const CheckOptions& options) {
  const auto config = config::parse_file(options.config);
  if (config) {
    if (options.json) {
      std::cout << printed(
          {{"valid", true}, {"problems", nlohmann::json::array()}, {"config", describe_json(*config)}});
    } else {
      std::cout << describe(*config);
    }
    return 0;
  }
  const Problems& problems = config.error();
  if (options.json) std::cout << printed(to_json(problems, options.config));
  for (const config::Problem& problem : problems) std::cerr << to_string(problem, options.config) << "\n";
  std::cerr << problems.size() << (problems.size() == 1 ? " mistake in " : " mistakes in ") << options.config
            << "; nothing was applied\n";
  return 1;
}

}  // namespace

void add_check(CLI::App& app, std::function<int()>& run) {
  const auto options = std::make_shared<CheckOptions>();
  CLI::App* const command = app.add_subcommand("check", "Say what a configuration means, or what is wrong with it");
  command->add_option("CONFIG", options->config, "The configuration file (docs/configuration.md)")->required();
  command->add_flag("--json", options->json, "Print a JSON object");
  command->callback([options, &run] { run = [options] { return check(*options); }; });
}

}  // namespace strata::cli
