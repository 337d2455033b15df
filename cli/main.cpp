#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <functional>
#include <iostream>
#include <new>

#include "cli/bench.hpp"
#include "cli/capture.hpp"
#include "cli/change.hpp"
#include "cli/check.hpp"
#include "cli/doctor.hpp"
#include "cli/graph.hpp"
#include "cli/manual.hpp"
#include "cli/reload.hpp"
#include "cli/replay.hpp"
#include "cli/run.hpp"
#include "cli/show.hpp"
#include "cli/top.hpp"
#include "cli/trace.hpp"

namespace {

constexpr int kWrongUsage = 2;

int run_command(int argc, char** argv) {
  CLI::App app("strata: a user-space SRv6/IPsec gateway");
  app.set_version_flag("--version", "strata " STRATA_VERSION);
  app.require_subcommand(1);
  std::function<int()> run;
  strata::cli::add_run(app, run);
  strata::cli::add_show(app, run);
  strata::cli::add_top(app, run);
  strata::cli::add_trace(app, run);
  strata::cli::add_capture(app, run);
  strata::cli::add_diff(app, run);
  strata::cli::add_reload(app, run);
  strata::cli::add_changes(app, run);
  strata::cli::add_doctor(app, run);
  strata::cli::add_replay(app, run);
  strata::cli::add_check(app, run);
  strata::cli::add_graph(app, run);
  strata::cli::add_bench(app, run);
  strata::cli::add_manual(app, run);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kWrongUsage;
  }
  return run();
}

// A report that nobody could read is not a success.
int flushed(int code) {
  if (std::cout.flush()) return code;
  std::fputs("strata: standard output cannot be written\n", stderr);
  return code == 0 ? 1 : code;
}

}  // namespace

// Our functions throw nothing; what a library still does (no memory, say) ends in a sentence as well.
int main(int argc, char** argv) {
  try {
    return flushed(run_command(argc, argv));
  } catch (const std::bad_alloc&) {
    std::fputs("strata: there is not enough memory, or a limit on it is too low (ulimit -v, MemoryMax)\n", stderr);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "strata: %s\n", error.what());
  } catch (...) {
    std::fputs("strata: an unknown error\n", stderr);
  }
  return 1;
}
