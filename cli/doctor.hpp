// `strata doctor [CONFIG]`
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace strata::cli {

void add_doctor(CLI::App& app, std::function<int()>& run);

}  // namespace strata::cli
