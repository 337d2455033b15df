#include "cli/ask_changes.hpp"

#include <iostream>

#include "control/ledger.hpp"

namespace strata::cli {
namespace {

using Json = Connection::Json;

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

}  // namespace

void add_ask_options(CLI::App& command, AskOptions& options) {
  command.add_flag("--json", options.json, "Print JSON; docs/control.md has the fields");
  add_whom(command, options.whom);
}

int ask_failed(const std::string& command, const std::string& sentence) {
  std::cerr << "strata " << command << ": " << sentence << "\n";
  return 1;
}

int ask_changes(const std::string& command, const AskOptions& options, std::string_view method, const Json& params) {
  auto gateway = Connection::open(options.whom.path());
  if (!gateway) return ask_failed(command, gateway.error());
  const auto answer = gateway->call(method, params);
  if (!answer) return ask_failed(command, answer.error());
  if (!answer->contains("changes") || !answer->contains("refused"))
    return ask_failed(command, "what answers is no gateway");
  std::cout << (options.json ? printed(*answer) : text_of(*answer));
  return 0;
}

}  // namespace strata::cli
