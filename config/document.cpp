#include "config/document.hpp"

#include <algorithm>
#include <cstddef>
#include <istream>
#include <optional>
#include <streambuf>
#include <utility>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

namespace strata::config {
namespace {

// Nodes that aliases may add to what stands in the file: enough for honest reuse, too few for an alias bomb.
constexpr std::uint64_t kMostAliased = 1'000'000;

Mark mark_of(const YAML::Mark& mark) { return Mark{.line = mark.line + 1, .column = mark.column + 1}; }

// std::istringstream would copy the text, keys and all.
class TextBuffer : public std::streambuf {
 public:
  explicit TextBuffer(std::string_view text) {
    char* begin = const_cast<char*>(text.data());  // NOLINT(cppcoreguidelines-pro-type-const-cast): only ever read
    setg(begin, begin, begin + text.size());
  }
};

}  // namespace

class DocumentBuilder final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0) refuse(mark, "a second YAML document; allowed: one document in a file");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const std::uint32_t index = leaf(mark, anchor);
    place_at_key(index);
    add(index);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    check_tag(mark, tag);
    const std::uint32_t index = leaf(mark, anchor);
    Node& node = document_.nodes_[index];
    node.kind = NodeKind::scalar;
    node.quoted = tag == "!";
    node.text = value;
    add(index);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const std::uint32_t target = anchor < anchors_.size() ? anchors_[anchor] : 0;
    const std::uint64_t size = target < sizes_.size() ? sizes_[target] : 0;
    if (size == 0) {
      refuse(mark, "an alias inside the very thing that it names");
    } else if ((aliased_ += size) > kMostAliased) {
      refuse(mark, "aliases that stand for more than 1000000 values; write them out");
    } else {
      add(target);
    }
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, NodeKind::list);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, NodeKind::mapping);
  }
  void OnMapEnd() override { close(); }

  [[nodiscard]] bool failed() const { return problem_.has_value(); }
  [[nodiscard]] bool empty() const { return document_.nodes_.empty(); }
  [[nodiscard]] const Problem& problem() const { return *problem_; }
  Document take() { return std::move(document_); }

 private:
  void refuse(const YAML::Mark& mark, std::string message) {
    if (!problem_) problem_ = Problem{.mark = mark_of(mark), .field = "", .found = "", .message = std::move(message)};
  }

  void check_tag(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!")
      refuse(mark, "a YAML tag (!...); allowed: none, write the value alone");
  }

  std::uint32_t create(const YAML::Mark& mark, YAML::anchor_t anchor, std::uint64_t size) {
    const auto index = static_cast<std::uint32_t>(document_.nodes_.size());
    document_.nodes_.emplace_back().mark = mark_of(mark);
    sizes_.push_back(size);
    if (anchor != 0) {
      if (anchors_.size() <= anchor) anchors_.resize(anchor + 1);
      anchors_[anchor] = index;
    }
    return index;
  }
  std::uint32_t leaf(const YAML::Mark& mark, YAML::anchor_t anchor) { return create(mark, anchor, 1); }

  // yaml-cpp gives a value that is not there the place of whatever comes next, lines below perhaps.
  void place_at_key(std::uint32_t index) {
    if (open_.empty()) return;
    const Node& parent = document_.nodes_[open_.back()];
    if (parent.kind != NodeKind::mapping || parent.children.size() % 2 == 0) return;
    const Mark key = document_.nodes_[parent.children.back()].mark;
    Mark& mark = document_.nodes_[index].mark;
    if (mark.line != key.line) mark = key;
  }

  void add(std::uint32_t index) {
    if (open_.empty()) return;
    document_.nodes_[open_.back()].children.push_back(index);
    open_size_.back() += sizes_[index];
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, NodeKind kind) {
    check_tag(mark, tag);
    const std::uint32_t index = create(mark, anchor, 0);  // 0: not finished
    document_.nodes_[index].kind = kind;
    open_.push_back(index);
    open_size_.push_back(1);
  }

  void close() {
    const std::uint32_t index = open_.back();
    sizes_[index] = open_size_.back();
    open_.pop_back();
    open_size_.pop_back();
    add(index);
  }

  Document document_;
  std::vector<std::uint64_t> sizes_;    // of each node with all below it, aliases followed
  std::vector<std::uint32_t> anchors_;  // yaml-cpp's number of an anchor -> node
  std::vector<std::uint32_t> open_;     // lists and mappings being read
  std::vector<std::uint64_t> open_size_;
  std::uint64_t aliased_ = 0;
  int documents_ = 0;
  std::optional<Problem> problem_;
};

namespace {

std::optional<Problem> find_control_character(std::string_view text) {
  Mark mark{.line = 1, .column = 1};
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if ((octet < 0x20 && c != '\n' && c != '\r' && c != '\t') || octet == 0x7f) {
      return Problem{.mark = mark, .field = "", .found = "", .message = "a control character; allowed: UTF-8 text"};
    }
    mark = c == '\n' ? Mark{.line = mark.line + 1, .column = 1} : Mark{.line = mark.line, .column = mark.column + 1};
  }
  return std::nullopt;
}

// Some of yaml-cpp's messages end in ": " and text from the file, which can be part of a key.
std::string without_content(const std::string& message) { return message.substr(0, message.find(": ")); }

}  // namespace

Document::~Document() {
  for (Node& node : nodes_) wipe(node.text);
}

tl::expected<Document, Problem> read_document(std::string_view text) {
  const auto refused = [](std::string message) {
    return tl::make_unexpected(Problem{.mark = {1, 1}, .field = "", .found = "", .message = std::move(message)});
  };
  if (text.size() > kLargestDocument) return refused("larger than 128 MiB; allowed: a smaller file");
  if (auto problem = find_control_character(text)) return tl::make_unexpected(*std::move(problem));

  DocumentBuilder builder;
  try {
    TextBuffer buffer(text);
    std::istream stream(&buffer);
    YAML::Parser parser(stream);
    while (!builder.failed() && parser.HandleNextDocument(builder)) {}
  } catch (const YAML::Exception& e) {
    const Mark mark = e.mark.is_null() ? Mark{.line = 1, .column = 1} : mark_of(e.mark);
    return tl::make_unexpected(
        Problem{.mark = mark, .field = "", .found = "", .message = "not YAML: " + without_content(e.msg)});
  }
  if (builder.failed()) return tl::make_unexpected(builder.problem());
  if (builder.empty()) return refused("an empty file; allowed: a mapping with 'ports'");
  return builder.take();
}

}  // namespace strata::config
