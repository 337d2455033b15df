#include "cli/whom.hpp"

#include "config/socket_path.hpp"

namespace strata::cli {

std::string Whom::path() const { return socket.empty() ? config::socket_path(name) : socket; }

void add_whom(CLI::App& command, Whom& whom) {
  CLI::Option* name = command.add_option("--name", whom.name, "The gateway's `name` in its configuration; else strata")
                          ->type_name("NAME");
  command.add_option("--socket", whom.socket, "Its control socket, where it is not the usual one")
      ->type_name("PATH")
      ->excludes(name);
}

}  // namespace strata::cli
