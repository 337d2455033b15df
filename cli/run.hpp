// `strata run CONFIG [-- EAL ARGUMENTS]`
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace strata::cli {

void add_run(CLI::App& app, std::function<int()>& run);

}  // namespace strata::cli
