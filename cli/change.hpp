// strata sa add, strata route delete and the like: single entries of what a running gateway has in force.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace strata::cli {

// sa, sid, policy, route and neighbor, each with add and delete; and change, for several at once.
void add_changes(CLI::App& app, std::function<int()>& run);

}  // namespace strata::cli
