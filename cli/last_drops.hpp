// `strata show drops --last`: the last packets of each cause, for a person.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace strata::cli {

// rows: as show.last_drops gives them.
std::string last_drops_text(const nlohmann::ordered_json& rows);

}  // namespace strata::cli
