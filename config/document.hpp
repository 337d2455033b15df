// A YAML document as a tree with marks: what yaml-cpp read, before anything is understood of it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "config/problem.hpp"

namespace strata::config {

enum class NodeKind : std::uint8_t { nothing, scalar, list, mapping };

struct Node {
  NodeKind kind = NodeKind::nothing;
  bool quoted = false;  // of a scalar: in quotes or a block, so a text and never a number
  Mark mark;
  std::string text;                     // of a scalar
  std::vector<std::uint32_t> children;  // of a list: its entries; of a mapping: key, value, key, value...
};

// Built from yaml-cpp's events and not from its own tree, which loses duplicate keys, quotes, and the place of a null.
class Document {
 public:
  Document() = default;
  Document(Document&&) = default;
  Document& operator=(Document&&) = default;
  Document(const Document&) = delete;
  Document& operator=(const Document&) = delete;
  ~Document();  // wipes the texts: some are keys

  [[nodiscard]] const Node& root() const { return nodes_[root_]; }
  [[nodiscard]] const Node& at(std::uint32_t index) const { return nodes_[index]; }

 private:
  friend class DocumentBuilder;
  std::vector<Node> nodes_;
  std::uint32_t root_ = 0;
};

// One document, at most kLargestDocument octets. Anchors and aliases are followed, as long as they stay small; explicit
// tags, several documents and control characters (yaml-cpp takes octet 04 for the end of the file) are refused.
// Errors: the syntax error with its place, never with text from the file.
tl::expected<Document, Problem> read_document(std::string_view text);

inline constexpr std::size_t kLargestDocument = std::size_t{128} << 20;

}  // namespace strata::config
