// `strata bench`
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace strata::cli {

void add_bench(CLI::App& app, std::function<int()>& run);

}  // namespace strata::cli
