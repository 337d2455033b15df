// What a running gateway changes, or would: asked for, and printed.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>

#include "cli/whom.hpp"
#include "control/socket/connection.hpp"

namespace strata::cli {

struct AskOptions {
  Whom whom;
  bool json = false;
};

// --json, --name and --socket. options: outlive the command.
void add_ask_options(CLI::App& command, AskOptions& options);

// The exit code. command: by which errors call it, "sa add".
int ask_changes(const std::string& command, const AskOptions& options, std::string_view method,
                const Connection::Json& params);

// Prints what is wrong; 1.
int ask_failed(const std::string& command, const std::string& sentence);

}  // namespace strata::cli
