#include "config/document_json.hpp"

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "config/scalar.hpp"

namespace strata::config {

using nlohmann::json;

class JsonDocumentBuilder {
 public:
  // Nothing: nested too deep.
  std::optional<Document> built(const json& value) {
    document_.root_ = put(value, 1);
    if (is_too_deep_) return std::nullopt;
    return std::move(document_);
  }

 private:
  std::uint32_t put(const json& value, std::size_t depth) {
    if (value.is_structured()) return put_children(value, depth);
    if (value.is_null()) return create(NodeKind::nothing);
    if (!value.is_string()) return put_text(value.dump(), false);
    const std::string& text = value.get_ref<const std::string&>();
    return put_text(text, text == "true" || text == "false");
  }

  std::uint32_t put_children(const json& value, std::size_t depth) {
    if (depth > kDeepest) {
      is_too_deep_ = true;
      return create(NodeKind::nothing);
    }
    std::vector<std::uint32_t> children;
    if (value.is_array())
      for (const json& entry : value) children.push_back(put(entry, depth + 1));
    else
      for (const auto& [name, entry] : value.items()) {
        children.push_back(put_text(name, false));
        children.push_back(put(entry, depth + 1));
      }
    const std::uint32_t index = create(value.is_array() ? NodeKind::list : NodeKind::mapping);
    keep(index, children.data(), children.size());
    return index;
  }

  std::uint32_t put_text(const std::string& text, bool quoted) {
    const std::uint32_t index = create(NodeKind::scalar);
    document_.nodes_[index].quoted = quoted;
    keep(index, text.data(), text.size());
    return index;
  }

  std::uint32_t create(NodeKind kind) {
    document_.nodes_.emplace_back(Mark{}).kind = kind;
    return static_cast<std::uint32_t>(document_.nodes_.size() - 1);
  }

  template <class T>
  void keep(std::uint32_t index, const T* from, std::size_t count) {
    if (count == 0) return;
    void* const memory = document_.memory_->texts.allocate(count * sizeof(T), alignof(T));
    std::memcpy(memory, from, count * sizeof(T));
    document_.nodes_[index].at_ = memory;
    document_.nodes_[index].size_ = static_cast<std::uint32_t>(count);
  }

  Document document_;
  bool is_too_deep_ = false;
};

namespace {

json scalar_json(const Node& node) {
  const std::string_view text = node.text();
  if (node.quoted) return json(text);
  if (text == "true" || text == "false") return json(text == "true");
  // 0x1000 stays a text: it may be a name as well.
  const std::optional<std::uint64_t> number = parse_number(text);
  return number && text.front() != '0' ? json(*number) : json(text);
}

tl::expected<json, Problem> to_json(const Document& document, const Node& node);

tl::expected<json, Problem> list_json(const Document& document, const Node& node) {
  json out = json::array();
  for (const std::uint32_t child : node.children()) {
    auto value = to_json(document, document.at(child));
    if (!value) return value;
    out.push_back(std::move(*value));
  }
  return out;
}

tl::expected<json, Problem> mapping_json(const Document& document, const Node& node) {
  const auto children = node.children();
  json out = json::object();
  for (std::size_t i = 0; i + 1 < children.size(); i += 2) {
    const Node& key = document.at(children[i]);
    const std::string name(key.text());
    if (key.kind != NodeKind::scalar || out.contains(name))
      return tl::make_unexpected(Problem{.mark = key.mark,
                                         .field = shown(name),
                                         .found = "a key that is there already, or is no text",
                                         .message = "allowed: each key once"});
    auto value = to_json(document, document.at(children[i + 1]));
    if (!value) return value;
    out[name] = std::move(*value);
  }
  return out;
}

tl::expected<json, Problem> to_json(const Document& document, const Node& node) {
  switch (node.kind) {
    case NodeKind::nothing: return json(nullptr);
    case NodeKind::scalar: return scalar_json(node);
    case NodeKind::list: return list_json(document, node);
    case NodeKind::mapping: return mapping_json(document, node);
  }
  return json(nullptr);
}

}  // namespace

tl::expected<Document, Problem> document_of(const json& value) {
  auto document = JsonDocumentBuilder().built(value);
  if (document) return std::move(*document);
  return tl::make_unexpected(Problem{
      .mark = {}, .field = "", .found = "", .message = "lists and mappings that are nested too deep; allowed: 64"});
}

tl::expected<json, Problem> to_json(const Document& document) { return to_json(document, document.root()); }

}  // namespace strata::config
