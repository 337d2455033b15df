// strata top: a running gateway as a live screen in the terminal.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace strata::cli {

void add_top(CLI::App& app, std::function<int()>& run);

}  // namespace strata::cli
