// Which running gateway a command asks.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace strata::cli {

struct Whom {
  std::string name = "strata";
  std::string socket;  // empty: the usual one of that name

  std::string path() const;
};

// --name and --socket. whom: outlives the command.
void add_whom(CLI::App& command, Whom& whom);

}  // namespace strata::cli
