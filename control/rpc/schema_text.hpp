// The schema of the control socket for programs and for readers. What is checked in must be what these give
// (tests/unit/rpc_test.cpp).
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace strata::rpc {

// OpenRPC 1.2.6: docs/control.openrpc.json, and the answer to rpc.discover.
nlohmann::ordered_json openrpc();

// The tables between the "reference" marks of docs/control.md.
std::string reference_markdown();

}  // namespace strata::rpc
