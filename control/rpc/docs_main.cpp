// strata-control-docs: prints what is checked in of the control socket's schema, to make it anew after a change of
// control/rpc/schema.cpp.
#include <iostream>
#include <string_view>

#include "control/rpc/schema_text.hpp"

int main(int argc, char** argv) {
  const std::string_view what = argc == 2 ? argv[1] : "";
  if (what == "--openrpc") {
    std::cout << strata::rpc::openrpc().dump(2) << "\n";
  } else if (what == "--reference") {
    std::cout << strata::rpc::reference_markdown();
  } else {
    std::cerr << "usage: strata-control-docs --openrpc > docs/control.openrpc.json\n"
                 "       strata-control-docs --reference   (between the marks in docs/control.md)\n";
    return 2;
  }
  return 0;
}
