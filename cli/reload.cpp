#include "cli/reload.hpp"

#include <memory>

#include "cli/ask_changes.hpp"

namespace strata::cli {
namespace {

void add(CLI::App& app, std::function<int()>& run, const char* name, const char* about) {
  const auto options = std::make_shared<AskOptions>();
  CLI::App* command = app.add_subcommand(name, about);
  add_ask_options(*command, *options);
  command->callback([options, name, &run] {
    run = [options, name] { return ask_changes(name, *options, name, Connection::Json::object()); };
  });
}

}  // namespace

void add_diff(CLI::App& app, std::function<int()>& run) {
  add(app, run, "diff", "Show what a reload would change of a running gateway");
}

void add_reload(CLI::App& app, std::function<int()>& run) {
  add(app, run, "reload", "Have a running gateway read its configuration anew and apply it, without losing a packet");
}

}  // namespace strata::cli
