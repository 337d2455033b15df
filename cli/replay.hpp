// `strata replay CONFIG --in PORT=FILE... --out PORT=FILE...`
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace strata::cli {

void add_replay(CLI::App& app, std::function<int()>& run);

}  // namespace strata::cli
