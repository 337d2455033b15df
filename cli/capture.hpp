// strata capture: packets of a running gateway into a file, at a place of their journey.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace strata::cli {

void add_capture(CLI::App& app, std::function<int()>& run);

}  // namespace strata::cli
