#include "config/document.hpp"

#include <yaml.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <map>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace strata::config {
namespace {

// Nodes that aliases may add to what stands in the file: enough for honest reuse, too few for an alias bomb.
constexpr std::uint64_t kMostAliased = 1'000'000;

Mark mark_of(const yaml_mark_t& mark) {
  return Mark{.line = static_cast<int>(mark.line) + 1, .column = static_cast<int>(mark.column) + 1};
}

Problem problem_at(Mark mark, std::string message) {
  return Problem{.mark = mark, .field = "", .found = "", .message = std::move(message)};
}

std::string_view view(const yaml_char_t* text, std::size_t size) { return {reinterpret_cast<const char*>(text), size}; }
std::string_view view(const yaml_char_t* text) {
  return text == nullptr ? std::string_view() : std::string_view(reinterpret_cast<const char*>(text));
}

// YAML 1.2 section 10.3.2: what a text without quotes means when it means nothing.
bool is_null(std::string_view text) {
  return text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL";
}

}  // namespace

class DocumentBuilder {
 public:
  void take(const yaml_event_t& event) {
    const Mark mark = mark_of(event.start_mark);
    switch (event.type) {
      case YAML_DOCUMENT_START_EVENT:
        if (documents_++ > 0) refuse(mark, "a second YAML document; allowed: one document in a file");
        return;
      case YAML_ALIAS_EVENT: alias(mark, view(event.data.alias.anchor)); return;
      case YAML_SCALAR_EVENT: scalar(mark, event.data.scalar); return;
      case YAML_SEQUENCE_START_EVENT: {
        const auto& start = event.data.sequence_start;
        open(mark, view(start.tag), view(start.anchor), NodeKind::list);
        return;
      }
      case YAML_MAPPING_START_EVENT: {
        const auto& start = event.data.mapping_start;
        open(mark, view(start.tag), view(start.anchor), NodeKind::mapping);
        return;
      }
      case YAML_SEQUENCE_END_EVENT:
      case YAML_MAPPING_END_EVENT: close(); return;
      case YAML_NO_EVENT:
      case YAML_STREAM_START_EVENT:
      case YAML_STREAM_END_EVENT:
      case YAML_DOCUMENT_END_EVENT: return;
    }
  }

  [[nodiscard]] const std::optional<Problem>& problem() const { return problem_; }
  [[nodiscard]] bool empty() const { return document_.nodes_.empty(); }
  Document document() { return std::move(document_); }

 private:
  // What an alias of this name stands for.
  struct Anchor {
    std::uint32_t index;
    std::uint64_t size;  // nodes with all below, aliases followed; 0: not finished
  };
  // A list or a mapping that is being read.
  struct Open {
    std::uint32_t index;
    std::size_t first_child;  // in children_
    std::uint64_t size;
    std::string anchor;
  };

  void refuse(Mark mark, std::string message) {
    if (!problem_) problem_ = problem_at(mark, std::move(message));
  }

  void check_tag(Mark mark, std::string_view tag) {
    if (!tag.empty()) refuse(mark, "a YAML tag (!...); allowed: none, write the value alone");
  }

  Node& create(Mark mark, NodeKind kind) {
    Node& node = document_.nodes_.emplace_back(mark);
    node.kind = kind;
    return node;
  }
  std::uint32_t last() const { return static_cast<std::uint32_t>(document_.nodes_.size() - 1); }

  template <class T>
  const T* keep(const T* from, std::size_t count) {
    if (count == 0) return nullptr;
    void* const memory = document_.memory_->texts.allocate(count * sizeof(T), alignof(T));
    std::memcpy(memory, from, count * sizeof(T));
    return static_cast<const T*>(memory);
  }

  void scalar(Mark mark, const decltype(yaml_event_t::data.scalar)& from) {
    check_tag(mark, view(from.tag));
    const std::string_view text = view(from.value, from.length);
    const bool quoted = from.style != YAML_PLAIN_SCALAR_STYLE;
    if (!quoted && text.empty()) mark = place_of_key().value_or(mark);
    const bool nothing = !quoted && is_null(text);
    Node& node = create(mark, nothing ? NodeKind::nothing : NodeKind::scalar);
    node.quoted = quoted;
    if (!nothing) {
      node.at_ = keep(text.data(), text.size());
      node.size_ = static_cast<std::uint32_t>(text.size());
    }
    if (from.anchor != nullptr) anchors_.insert_or_assign(std::string(view(from.anchor)), Anchor{last(), 1});
    add(last(), 1);
  }

  void alias(Mark mark, std::string_view name) {
    const auto anchor = anchors_.find(name);
    if (anchor == anchors_.end()) return refuse(mark, "not YAML: the referenced anchor is not defined");
    const auto [index, size] = anchor->second;
    if (size == 0) return refuse(mark, "an alias inside the very thing that it names");
    if ((aliased_ += size) > kMostAliased)
      return refuse(mark, "aliases that stand for more than 1000000 values; write them out");
    add(index, size);
  }

  // A value that is not there has no place of its own.
  std::optional<Mark> place_of_key() const {
    if (open_.empty()) return std::nullopt;
    const bool is_value = (children_.size() - open_.back().first_child) % 2 == 1;
    if (document_.nodes_[open_.back().index].kind != NodeKind::mapping || !is_value) return std::nullopt;
    return document_.nodes_[children_.back()].mark;
  }

  void add(std::uint32_t index, std::uint64_t size) {
    if (open_.empty()) return;
    children_.push_back(index);
    open_.back().size += size;
  }

  void open(Mark mark, std::string_view tag, std::string_view anchor, NodeKind kind) {
    check_tag(mark, tag);
    if (open_.size() == kDeepest) refuse(mark, "lists and mappings that are nested too deep; allowed: 64");
    create(mark, kind);
    if (!anchor.empty()) anchors_.insert_or_assign(std::string(anchor), Anchor{last(), 0});
    open_.push_back({.index = last(), .first_child = children_.size(), .size = 1, .anchor = std::string(anchor)});
  }

  void close() {
    const Open closed = std::move(open_.back());
    open_.pop_back();
    Node& node = document_.nodes_[closed.index];
    const std::size_t count = children_.size() - closed.first_child;
    node.at_ = keep(children_.data() + closed.first_child, count);
    node.size_ = static_cast<std::uint32_t>(count);
    children_.resize(closed.first_child);
    // Meanwhile the name may have been given to something inside.
    const auto anchor = anchors_.find(closed.anchor);
    if (anchor != anchors_.end() && anchor->second.index == closed.index) anchor->second.size = closed.size;
    add(closed.index, closed.size);
  }

  Document document_;
  std::vector<std::uint32_t> children_;  // of all that is open, the outermost's first
  std::vector<Open> open_;
  std::map<std::string, Anchor, std::less<>> anchors_;
  std::uint64_t aliased_ = 0;
  int documents_ = 0;
  std::optional<Problem> problem_;
};

namespace {

Mark mark_behind(std::string_view text) {
  const std::size_t line_begin = text.rfind('\n') + 1;  // npos + 1 is 0
  return Mark{.line = static_cast<int>(std::ranges::count(text, '\n')) + 1,
              .column = static_cast<int>(text.size() - line_begin) + 1};
}

std::optional<Problem> find_control_character(std::string_view text) {
  const auto* const found = std::ranges::find_if(text, [](char c) {
    const auto octet = static_cast<unsigned char>(c);
    return (octet < 0x20 && c != '\n' && c != '\r' && c != '\t') || octet == 0x7f;
  });
  if (found == text.end()) return std::nullopt;
  return problem_at(mark_behind({text.begin(), found}), "a control character; allowed: UTF-8 text");
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {
    if (yaml_parser_initialize(&parser_) == 0) throw std::bad_alloc();
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const yaml_char_t*>(text.data()), text.size());
  }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;
  ~Parser() { yaml_parser_delete(&parser_); }

  // The next event to `builder`. False: there is none, or the text is no YAML.
  bool step(DocumentBuilder& builder) {
    yaml_event_t event;
    if (yaml_parser_parse(&parser_, &event) == 0) return false;
    const bool more = event.type != YAML_STREAM_END_EVENT;
    builder.take(event);
    yaml_event_delete(&event);
    return more;
  }

  // libyaml's sentences are fixed ones: none has text from the file in it.
  [[nodiscard]] std::optional<Problem> problem() const {
    if (parser_.error == YAML_NO_ERROR) return std::nullopt;
    std::string message = std::string("not YAML: ") + (parser_.problem != nullptr ? parser_.problem : "no memory");
    if (parser_.error == YAML_READER_ERROR)
      return problem_at(mark_behind(text_.substr(0, parser_.problem_offset)), message + "; allowed: UTF-8 text");
    if (parser_.context != nullptr)
      message += std::string(", ") + parser_.context + " at line " + std::to_string(mark_of(parser_.context_mark).line);
    return problem_at(mark_of(parser_.problem_mark), std::move(message));
  }

 private:
  std::string_view text_;
  yaml_parser_t parser_{};
};

}  // namespace

tl::expected<Document, Problem> read_document(std::string_view text) {
  const auto refused = [](std::string message) {
    return tl::make_unexpected(problem_at(Mark{.line = 1, .column = 1}, std::move(message)));
  };
  if (text.size() > kLargestDocument) return refused("larger than 128 MiB; allowed: a smaller file");
  if (auto problem = find_control_character(text)) return tl::make_unexpected(*std::move(problem));

  DocumentBuilder builder;
  Parser parser(text);
  while (!builder.problem() && parser.step(builder)) {}
  if (builder.problem()) return tl::make_unexpected(*builder.problem());
  if (auto problem = parser.problem()) return tl::make_unexpected(*std::move(problem));
  if (builder.empty()) return refused("an empty file; allowed: a mapping with 'ports'");
  return builder.document();
}

}  // namespace strata::config
