// The journey as data, read off the signatures of its steps: docs/journey.md is held against it.
#pragma once

#include <string>
#include <vector>

#include "dataplane/drop/cause.hpp"

namespace strata {

struct GraphStep {
  std::string name;
  std::string from;             // the stage its packets come from, "another worker"; "" for rx
  std::vector<std::string> to;  // the stages they can go to, or "another worker"; none for tx
  std::vector<Cause> causes;    // the ends they can find here
};

// In the journey's order.
std::vector<GraphStep> journey_graph();

// A Mermaid flowchart of the stages and steps, and below it a list of each step's causes. Markdown.
std::string journey_markdown();

// The table of all causes. Markdown.
std::string causes_markdown();

}  // namespace strata
