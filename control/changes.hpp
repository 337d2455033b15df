// What a reload changes, or would change, for people: a line each.
#pragma once

#include <string>
#include <vector>

namespace strata {

struct Changes {
  std::vector<std::string> lines;
  std::vector<std::string> refused;  // of these, what wants a restart; with the place in the file
};

}  // namespace strata
