// What `strata show` can show, and the columns that a person sees of it.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace strata::cli {

using Json = nlohmann::ordered_json;

struct Column {
  std::string_view head;
  const char* field;                               // of the row, shown as it is
  std::string (*cell)(const Json& row) = nullptr;  // made of several, or in another form
};

struct Shown {
  std::string_view what;            // strata show WHAT
  std::string_view method;          // whose rows they are
  std::string_view none;            // instead of a table without rows
  std::span<const Column> columns;  // none: it is no table
};

std::span<const Shown> all_shown();

// rows: as the method gives them.
std::string table_text(const Shown& shown, const Json& rows);

// As YAML, for what is no table.
std::string yaml_text(const Json& json);

}  // namespace strata::cli
