// strata diff, strata reload: what is in the configuration's file now, beside and instead of what is in force.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace strata::cli {

void add_diff(CLI::App& app, std::function<int()>& run);
void add_reload(CLI::App& app, std::function<int()>& run);

}  // namespace strata::cli
