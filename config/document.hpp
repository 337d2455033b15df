// A YAML document as a tree with marks: what libyaml read, before anything is understood of it.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <deque>
#include <memory>
#include <memory_resource>
#include <span>
#include <string_view>

#include <tl/expected.hpp>

#include "config/problem.hpp"
#include "secret/memory.hpp"

namespace strata::config {

enum class NodeKind : std::uint8_t { nothing, scalar, list, mapping };

// Small: a file with a million routes has ten million of them.
class Node {
 public:
  explicit Node(Mark m) : mark(m) {}

  Mark mark;
  NodeKind kind = NodeKind::nothing;
  bool quoted = false;  // of a scalar: in quotes or a block, so a text and never a number

  // Of a scalar; of all else it is empty.
  [[nodiscard]] std::string_view text() const {
    return kind == NodeKind::scalar ? std::string_view(static_cast<const char*>(at_), size_) : std::string_view();
  }
  // Of a list: its entries; of a mapping: key, value, key, value... For Document::at().
  [[nodiscard]] std::span<const std::uint32_t> children() const {
    const bool has = kind == NodeKind::list || kind == NodeKind::mapping;
    return has ? std::span(static_cast<const std::uint32_t*>(at_), size_) : std::span<const std::uint32_t>();
  }

 private:
  friend class DocumentBuilder;
  friend class JsonDocumentBuilder;
  std::uint32_t size_ = 0;
  const void* at_ = nullptr;
};
static_assert(sizeof(Node) <= 32);

// Built from libyaml's events and not from its own tree, which loses duplicate keys.
class Document {
 public:
  [[nodiscard]] const Node& root() const { return nodes_[root_]; }
  [[nodiscard]] const Node& at(std::uint32_t index) const { return nodes_[index]; }

 private:
  friend class DocumentBuilder;
  friend class JsonDocumentBuilder;
  struct Memory {
    secret::Resource locked;  // some texts are keys
    std::pmr::monotonic_buffer_resource texts{std::size_t{1} << 16, &locked};
  };
  std::unique_ptr<Memory> memory_ = std::make_unique<Memory>();  // of texts and lists of children
  std::deque<Node> nodes_;
  std::uint32_t root_ = 0;
};

// One document, at most kLargestDocument octets. Anchors and aliases are followed, as long as they stay small; explicit
// tags, several documents and control characters are refused.
// Errors: the syntax error with its place, never with text from the file.
tl::expected<Document, Problem> read_document(std::string_view text);

// Lists and mappings in each other, of which the schema has five: libyaml's time grows by the square of them.
inline constexpr std::size_t kDeepest = 64;

inline constexpr std::size_t kLargestDocument = std::size_t{128} << 20;

}  // namespace strata::config
