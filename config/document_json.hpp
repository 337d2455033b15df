// A document as JSON, and JSON as a document: entries travel over the control socket so.
#pragma once

#include <nlohmann/json.hpp>

#include "config/document.hpp"

namespace strata::config {

// Without marks: it stands in no file. Errors: nested too deep.
tl::expected<Document, Problem> document_of(const nlohmann::json& value);

// What stands without quotes and looks like a decimal number, true, false or nothing becomes that. Errors: a key twice,
// or one that is no text, with its place.
tl::expected<nlohmann::json, Problem> to_json(const Document& document);

}  // namespace strata::config
