#include "cli/manual.hpp"

#include <iostream>
#include <memory>

#include "config/schema_man.hpp"

namespace strata::cli {
namespace {

constexpr const char* kPage = "strata.1";
constexpr const char* kFilePage = "strata.yaml.5";
constexpr const char* kCompletion = "bash-completion";

std::string made(const std::string& what, const CLI::App& app) {
  if (what == kPage) return manual_page(app, STRATA_VERSION);
  if (what == kFilePage) return config::schema_man(STRATA_VERSION);
  return bash_completion(app);
}

}  // namespace

void add_manual(CLI::App& app, std::function<int()>& run) {
  const auto what = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("manual", "Print what packages put beside the program, as this one has it");
  command->add_option("what", *what, "A manual page (man -l shows it), or the completion for bash")
      ->required()
      ->type_name("WHAT")
      ->check(CLI::IsMember({kPage, kFilePage, kCompletion}));
  command->callback([what, &app, &run] {
    run = [what, &app] {
      std::cout << made(*what, app);
      return 0;
    };
  });
}

}  // namespace strata::cli
