// `strata manual`: what goes beside the program on a machine, made from its own command line and schema.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace strata::cli {

void add_manual(CLI::App& app, std::function<int()>& run);

// strata(1): every command and option of the tree below the app.
std::string manual_page(const CLI::App& app, const std::string& version);

// For bash: words of every command, and the values of those options that take one of a few.
std::string bash_completion(const CLI::App& app);

}  // namespace strata::cli
