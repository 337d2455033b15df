#include "cli/change_text.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>

#include "config/document_json.hpp"
#include "config/key.hpp"
#include "control/hex.hpp"

namespace strata::cli {
namespace {

tl::expected<Json, std::string> parsed(std::string_view text, const std::string& name) {
  const auto document = config::read_document(text);
  if (!document) return tl::unexpected(config::to_string(document.error(), name));
  auto json = config::to_json(*document);
  if (!json) return tl::unexpected(config::to_string(json.error(), name));
  if (!json->is_object())
    return tl::unexpected(name + ": no mapping; allowed: {name: value, ...}, as in the configuration");
  return std::move(*json);
}

// One octet more than a document may have: whoever reads it refuses it then.
secret::Text all_of(std::istream& in) {
  secret::Text text;
  for (char octet = 0; text.size() <= config::kLargestDocument && in.get(octet);) text += octet;
  return text;
}

}  // namespace

tl::expected<Json, std::string> read_words(const std::string& text) {
  if (text.find("hex:") != std::string::npos)
    return tl::unexpected(
        std::string("a key on the command line can be seen by everybody on this machine (ps); write "
                    "`key: file:PATH`, or give the entry by --file (- is standard input)"));
  return parsed(text, "the entry");
}

tl::expected<Json, std::string> read_changes(const std::string& file) {
  if (file == "-") return parsed(all_of(std::cin), "standard input");
  std::ifstream in(file);
  if (!in) return tl::unexpected(file + ": cannot be read: " + std::strerror(errno));
  return parsed(all_of(in), file);
}

tl::expected<void, std::string> fetch_key(Json& sa, const std::string& file) {
  if (!sa.is_object() || !sa.contains("key") || !sa["key"].is_string()) return {};
  const std::string text = sa["key"];
  if (config::is_key_text(text)) return {};
  const auto key = config::read_key(text, config::folder_of(file));
  if (!key) return tl::unexpected("key: " + key.error());
  sa["key"] = "hex:" + hex_of(key->bytes());
  return {};
}

}  // namespace strata::cli
