// `strata check CONFIG`
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace strata::cli {

// Adds the subcommand; when the user calls it, `run` is what does it and gives the exit code.
void add_check(CLI::App& app, std::function<int()>& run);

}  // namespace strata::cli
