#include "cli/reload.hpp"

#include <iostream>
#include <memory>

#include "cli/whom.hpp"
#include "control/ledger.hpp"
#include "control/socket/connection.hpp"

namespace strata::cli {
namespace {

using Json = Connection::Json;

struct ReloadOptions {
  Whom whom;
  bool json = false;
};

std::string text_of(const Json& answer) {
  const std::uint64_t total = answer.value("total", std::uint64_t{0});
  if (total == 0) return "no changes\n";
  std::string text;
  for (const Json& line : answer["changes"]) text += line.get<std::string>() + "\n";
  if (total > answer["changes"].size()) text += "and " + std::to_string(total - answer["changes"].size()) + " more\n";
  if (answer["refused"].empty()) return text;
  text += "\nnot while the gateway runs:\n";
  for (const Json& line : answer["refused"]) text += line.get<std::string>() + "\n";
  return text;
}

int ask(const char* command, const ReloadOptions& options) {
  const auto fail = [&](const std::string& sentence) {
    std::cerr << "strata " << command << ": " << sentence << "\n";
    return 1;
  };
  auto gateway = Connection::open(options.whom.path());
  if (!gateway) return fail(gateway.error());
  const auto answer = gateway->call(command, Json::object());
  if (!answer) return fail(answer.error());
  if (!answer->contains("changes") || !answer->contains("refused")) return fail("what answers is no gateway");
  std::cout << (options.json ? printed(*answer) : text_of(*answer));
  return 0;
}

void add(CLI::App& app, std::function<int()>& run, const char* name, const char* about) {
  const auto options = std::make_shared<ReloadOptions>();
  CLI::App* command = app.add_subcommand(name, about);
  command->add_flag("--json", options->json, "Print JSON; docs/control.md has the fields");
  add_whom(*command, options->whom);
  command->callback([options, name, &run] { run = [options, name] { return ask(name, *options); }; });
}

}  // namespace

void add_diff(CLI::App& app, std::function<int()>& run) {
  add(app, run, "diff", "Show what a reload would change of a running gateway");
}

void add_reload(CLI::App& app, std::function<int()>& run) {
  add(app, run, "reload", "Have a running gateway read its configuration anew and apply it, without losing a packet");
}

}  // namespace strata::cli
