#include "cli/show.hpp"

#include <iostream>
#include <memory>
#include <vector>

#include "cli/last_drops.hpp"
#include "cli/show_tables.hpp"
#include "cli/whom.hpp"
#include "control/ledger.hpp"
#include "control/socket/connection.hpp"

namespace strata::cli {
namespace {

struct ShowOptions {
  std::string what;
  Whom whom;
  bool json = false;
  bool last = false;  // of the drops
};

int fail(const std::string& sentence, int code = 1) {
  std::cerr << "strata show: " << sentence << "\n";
  return code;
}

int show_last_drops(const ShowOptions& options, Connection& gateway) {
  const auto rows = gateway.rows("show.last_drops");
  if (!rows) return fail(rows.error());
  std::cout << (options.json ? printed(*rows) : last_drops_text(*rows));
  return 0;
}

int show(const ShowOptions& options) {
  if (options.last && options.what != "drops") return fail("--last goes with `drops` alone", 2);
  const auto shown = std::ranges::find(all_shown(), options.what, &Shown::what);
  auto gateway = Connection::open(options.whom.path());
  if (!gateway) return fail(gateway.error());
  if (options.last) return show_last_drops(options, *gateway);
  const bool is_table = !shown->columns.empty();
  auto answer = is_table ? gateway->rows(shown->method) : gateway->call(shown->method, Json::object());
  if (!answer) return fail(answer.error());
  // All that is no table is one object in the answer.
  const Json said = is_table || answer->empty() ? *answer : answer->front();
  std::cout << (options.json ? printed(said) : is_table ? table_text(*shown, said) : yaml_text(said));
  return 0;
}

std::vector<std::string> names_of_shown() {
  std::vector<std::string> names;
  for (const Shown& shown : all_shown()) names.emplace_back(shown.what);
  return names;
}

}  // namespace

void add_show(CLI::App& app, std::function<int()>& run) {
  const auto options = std::make_shared<ShowOptions>();
  CLI::App* command = app.add_subcommand("show", "Show what a running gateway knows and counts");
  command->add_option("what", options->what, "What of it")
      ->required()
      ->type_name("WHAT")
      ->check(CLI::IsMember(names_of_shown()));
  command->add_flag("--last", options->last, "With `drops`: what the last packets of each cause began with");
  command->add_flag("--json", options->json, "Print JSON; docs/control.md has the fields");
  add_whom(*command, options->whom);
  command->callback([options, &run] { run = [options] { return show(*options); }; });
}

}  // namespace strata::cli
