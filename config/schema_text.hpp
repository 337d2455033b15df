// The schema for editors and for readers. What is checked in must be what these give
// (tests/unit/config_schema_test.cpp).
#pragma once

#include <string>

namespace strata::config {

// JSON Schema, draft 07, of a configuration file: config/strata.schema.json.
std::string json_schema();

// The tables between the "reference" marks of docs/configuration.md.
std::string reference_markdown();

}  // namespace strata::config
