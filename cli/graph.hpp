// `strata graph`
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace strata::cli {

void add_graph(CLI::App& app, std::function<int()>& run);

}  // namespace strata::cli
