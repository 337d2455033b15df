// strata-config-docs: prints what is checked in of the schema, to make it anew after a change of config/schema.cpp.
#include <iostream>
#include <string_view>

#include "config/schema_text.hpp"

int main(int argc, char** argv) {
  const std::string_view what = argc == 2 ? argv[1] : "";
  if (what == "--schema") {
    std::cout << strata::config::json_schema();
  } else if (what == "--reference") {
    std::cout << strata::config::reference_markdown();
  } else {
    std::cerr << "usage: strata-config-docs --schema > config/strata.schema.json\n"
                 "       strata-config-docs --reference   (between the marks in docs/configuration.md)\n";
    return 2;
  }
  return 0;
}
