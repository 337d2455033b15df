#include "cli/graph.hpp"

#include <iostream>
#include <memory>

#include "dataplane/graph.hpp"

namespace strata::cli {

void add_graph(CLI::App& app, std::function<int()>& run) {
  CLI::App* command = app.add_subcommand("graph", "Print the journey of a packet as this program has it, in Markdown");
  const auto drops = std::make_shared<bool>(false);
  command->add_flag("--drops", *drops, "Print the causes for which a journey ends instead");
  command->callback([drops, &run] {
    run = [drops] {
      std::cout << (*drops ? causes_markdown() : journey_markdown());
      return 0;
    };
  });
}

}  // namespace strata::cli
