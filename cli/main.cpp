#include <CLI/CLI.hpp>
#include <functional>

#include "cli/check.hpp"
#include "cli/graph.hpp"
#include "cli/replay.hpp"

namespace {

constexpr int kWrongUsage = 2;

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("strata: a user-space SRv6/IPsec gateway");
  app.set_version_flag("--version", "strata " STRATA_VERSION);
  app.require_subcommand(1);
  std::function<int()> run;
  strata::cli::add_replay(app, run);
  strata::cli::add_check(app, run);
  strata::cli::add_graph(app, run);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kWrongUsage;
  }
  return run();
}
