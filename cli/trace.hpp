// strata trace: the journeys of live packets, as a running gateway tells them.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace strata::cli {

void add_trace(CLI::App& app, std::function<int()>& run);

}  // namespace strata::cli
