// What is to be changed, as a person or a program has written it, as the control socket takes it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <tl/expected.hpp>

namespace strata::cli {

using Json = nlohmann::json;

// An entry on the command line. A key does not belong there: everybody can see it (ps), so it is refused.
tl::expected<Json, std::string> read_words(const std::string& text);
// A file; "-" is standard input.
tl::expected<Json, std::string> read_changes(const std::string& file);

// `key: file:PATH` of an SA becomes the key itself: it is read with the rights of whoever asks. A relative PATH starts
// where the file is, or in the current folder.
tl::expected<void, std::string> fetch_key(Json& sa, const std::string& file);

}  // namespace strata::cli
