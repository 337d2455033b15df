// strata show: asks a running gateway by its control socket.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace strata::cli {

void add_show(CLI::App& app, std::function<int()>& run);

}  // namespace strata::cli
