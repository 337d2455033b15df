#include "config/reader.hpp"

#include <algorithm>
#include <cassert>
#include <map>
#include <tuple>
#include <utility>

#include "config/scalar.hpp"

namespace strata::config {
namespace {

std::string kind_text(const Node& node) {
  switch (node.kind) {
    case NodeKind::nothing: return "nothing";
    case NodeKind::scalar: {
      const bool in_quotes = node.quoted && !node.text().empty() && !looks_like_key(node.text());
      return in_quotes ? '"' + shown(node.text()) + '"' : shown(node.text());
    }
    case NodeKind::list: return "a list";
    case NodeKind::mapping: return "a mapping";
  }
  return {};
}

std::string allowed(const Field& field) { return "allowed: " + allowed_text(field); }

// The type of one entry of a list is that of the list without the list.
Field entry_of(const Field& field) {
  Field entry = field;
  entry.list = false;
  entry.min = entry.max = 0;
  return entry;
}

// Runs `parse` on the value's text; what it gives back is the value or the words against it.
template <class T, class Parse>
std::optional<T> read_scalar(Problems& problems, const Value& value, const Field& field, Parse parse) {
  if (value.node->kind != NodeKind::scalar) {
    problems.refuse(value, allowed(field));
    return std::nullopt;
  }
  tl::expected<T, std::string> result = parse(field, value.node->text(), value.node->quoted);
  if (result) return *std::move(result);
  problems.refuse(value, result.error().empty() ? allowed(field) : result.error());
  return std::nullopt;
}

}  // namespace

std::string to_string(const Path& path) {
  std::string out = path.parent != nullptr ? to_string(*path.parent) : std::string();
  if (!path.key.empty()) {
    if (!out.empty()) out += '.';
    out += shown(path.key);
  }
  if (path.index) out += '[' + std::to_string(*path.index) + ']';
  return out;
}

void Problems::refuse(const Value& value, std::string message) { refuse(value, found_text(value), std::move(message)); }

void Problems::refuse(const Value& value, std::string found, std::string message) {
  add({.mark = value.mark(), .field = to_string(value.path), .found = std::move(found), .message = std::move(message)});
}

std::vector<Problem> Problems::take_sorted() {
  std::stable_sort(list_.begin(), list_.end(), [](const Problem& a, const Problem& b) {
    return std::tie(a.mark.line, a.mark.column) < std::tie(b.mark.line, b.mark.column);
  });
  if (more_ != 0)
    list_.push_back(
        {.mark = {}, .field = "", .found = "", .message = "and " + std::to_string(more_) + " mistakes more"});
  return std::move(list_);
}

std::string found_text(const Value& value) {
  if (value.field != nullptr && value.field->type == Type::key && value.node->kind != NodeKind::nothing) {
    return std::string(kNotShown);
  }
  return kind_text(*value.node);
}

Mapping::Mapping(const Document& document, Problems& problems, const Node& node, const Section& section,
                 const Path& path)
    : document_(&document), problems_(&problems), node_(&node), section_(&section), path_(path) {
  assert(section.fields.size() <= kMostFields);
  read_keys();
}

void Mapping::read_keys() {
  std::array<const Node*, kMostFields> first{};
  const auto children = node_->children();
  for (std::size_t i = 0; i + 1 < children.size(); i += 2) {
    const Node& key = document_->at(children[i]);
    const Field* const field = key.kind == NodeKind::scalar ? find_field(*section_, key.text()) : nullptr;
    if (field == nullptr) {
      unknown_key(key);
      continue;
    }
    const auto place = static_cast<std::size_t>(field - section_->fields.data());
    if (first[place] != nullptr) {
      key_twice(key, *first[place]);
      continue;
    }
    first[place] = &key;
    values_[place] = &document_->at(children[i + 1]);
  }
  for (std::size_t place = 0; place < section_->fields.size(); ++place) {
    const Field& field = section_->fields[place];
    if (!field.required || first[place] != nullptr) continue;
    problems_->add({.mark = node_->mark,
                    .field = to_string(Path{.parent = &path_, .key = field.key}),
                    .found = "nothing",
                    .message = "required; " + allowed(field)});
  }
}

void Mapping::unknown_key(const Node& key) const {
  const std::string name = kind_text(key);
  const Path path{.parent = &path_, .key = key.kind == NodeKind::scalar ? key.text() : "(key)"};
  std::vector<std::string_view> known;
  for (const Field& field : section_->fields) known.push_back(field.key);
  std::string message = did_you_mean(key.text(), known) + "allowed: " + join(known);
  for (const Refused& refused : section_->refused) {
    if (refused.key == key.text()) message = refused.why;
  }
  if (key.text() == "<<")
    message = "YAML merge keys are not taken; write the values out, or use an alias for a whole value";
  problems_->add({.mark = key.mark, .field = to_string(path), .found = "an unknown key", .message = message});
}

void Mapping::key_twice(const Node& key, const Node& first) const {
  problems_->add({.mark = key.mark,
                  .field = to_string(Path{.parent = &path_, .key = key.text()}),
                  .found = "the key a second time",
                  .message = "the first is at line " + std::to_string(first.mark.line) + "; allowed: one"});
}

std::optional<Value> Mapping::value(std::string_view key) const {
  const Field* const field = find_field(*section_, key);
  assert(field != nullptr);
  const Node* const node = values_[static_cast<std::size_t>(field - section_->fields.data())];
  if (node == nullptr) return std::nullopt;
  return Value{.node = node, .field = field, .path = {.parent = &path_, .key = field->key}};
}

// An absent field is what its default, read like any other text, says.
template <class T, class Parse>
std::optional<T> Mapping::read(std::string_view key, Parse parse) const {
  if (const std::optional<Value> v = value(key)) return read_scalar<T>(*problems_, *v, *v->field, parse);
  const Field& field = *find_field(*section_, key);
  if (field.default_text.empty()) return std::nullopt;
  tl::expected<T, std::string> result = parse(field, field.default_text, false);
  assert(result.has_value());
  return *result;
}

std::optional<std::uint64_t> Mapping::number(std::string_view key) const {
  return read<std::uint64_t>(key, scalar_number);
}
std::optional<bool> Mapping::boolean(std::string_view key) const { return read<bool>(key, scalar_boolean); }
std::optional<std::size_t> Mapping::choice(std::string_view key) const { return read<std::size_t>(key, scalar_choice); }
std::optional<std::string> Mapping::text(std::string_view key) const { return read<std::string>(key, scalar_text); }
std::optional<wire::MacAddress> Mapping::mac(std::string_view key) const {
  return read<wire::MacAddress>(key, scalar_mac);
}
std::optional<wire::Ipv4Address> Mapping::ipv4(std::string_view key) const {
  return read<wire::Ipv4Address>(key, scalar_ipv4);
}
std::optional<wire::Ipv6Address> Mapping::ipv6(std::string_view key) const {
  return read<wire::Ipv6Address>(key, scalar_ipv6);
}
std::optional<wire::Ipv4Prefix> Mapping::ipv4_prefix(std::string_view key) const {
  return read<wire::Ipv4Prefix>(key, scalar_ipv4_prefix);
}
std::optional<wire::Ipv6Prefix> Mapping::ipv6_prefix(std::string_view key) const {
  return read<wire::Ipv6Prefix>(key, scalar_ipv6_prefix);
}
std::optional<std::uint8_t> Mapping::dscp(std::string_view key) const {
  return read<std::optional<std::uint8_t>>(key, scalar_dscp).value_or(std::nullopt);
}
std::optional<std::uint8_t> Mapping::protocol(std::string_view key) const {
  return read<std::uint8_t>(key, scalar_protocol);
}
std::optional<PortRange> Mapping::port_range(std::string_view key) const {
  return read<PortRange>(key, scalar_port_range);
}

std::optional<Mapping> Mapping::mapping(std::string_view key) const {
  const std::optional<Value> v = value(key);
  if (!v || !is_mapping(*v)) return std::nullopt;
  return Mapping(*document_, *problems_, *v->node, *v->field->section, v->path);
}

bool Mapping::is_mapping(const Value& value) const {
  if (value.node->kind == NodeKind::mapping) return true;
  std::vector<std::string_view> keys;
  for (const Field& field : value.field->section->fields) keys.push_back(field.key);
  problems_->refuse(value, "allowed: a mapping with " + join(keys));
  return false;
}

std::vector<Value> Mapping::entries(std::string_view key) const {
  const std::optional<Value> v = value(key);
  if (!v) return {};
  if (v->node->kind != NodeKind::list) {
    problems_->refuse(*v, allowed(*v->field) + (v->node->kind == NodeKind::nothing ? "; [] for none" : ""));
    return {};
  }
  const auto children = v->node->children();
  if (children.size() < v->field->min || children.size() > v->field->max) {
    problems_->refuse(*v, std::to_string(children.size()) + " entries",
                      "allowed: " + std::to_string(v->field->min) + " to " + std::to_string(v->field->max));
    if (children.size() > v->field->max) return {};
  }
  std::vector<Value> out;
  out.reserve(children.size());
  for (std::size_t i = 0; i < children.size(); ++i) {
    out.push_back({.node = &document_->at(children[i]),
                   .field = v->field,
                   .path = {.parent = &path_, .key = v->field->key, .index = i}});
  }
  return out;
}

std::vector<Mapping::Named> Mapping::named_entries(std::string_view key) const {
  const std::optional<Value> v = value(key);
  if (!v) return {};
  if (v->node->kind != NodeKind::mapping) {
    problems_->refuse(*v, allowed(*v->field));
    return {};
  }
  std::map<std::string_view, const Node*> seen;
  std::vector<Named> out;
  const auto children = v->node->children();
  for (std::size_t i = 0; i + 1 < children.size(); i += 2) {
    const Node& name = document_->at(children[i]);
    const Path path{.parent = &v->path, .key = name.text()};
    if (name.kind != NodeKind::scalar || !is_name(name.text()) || looks_like_key(name.text())) {
      problems_->add({.mark = name.mark,
                      .field = to_string(v->path),
                      .found = "the name " + kind_text(name),
                      .message = "allowed: 1 to 64 letters, digits and ._-:/@+"});
    } else if (const auto [it, is_new] = seen.try_emplace(name.text(), &name); !is_new) {
      problems_->add({.mark = name.mark,
                      .field = to_string(path),
                      .found = "the name a second time",
                      .message = "the first is at line " + std::to_string(it->second->mark.line) + "; allowed: one"});
    } else {
      out.push_back({.key = &name, .value = &document_->at(children[i + 1]), .field = v->field, .parent = v->path});
    }
  }
  const std::size_t count = children.size() / 2;
  if (count < v->field->min || count > v->field->max) {
    problems_->refuse(*v, std::to_string(count) + " entries", allowed(*v->field));
  }
  return out;
}

std::optional<std::string> read_text(Problems& problems, const Value& value) {
  return read_scalar<std::string>(problems, value, entry_of(*value.field), scalar_text);
}
std::optional<std::uint32_t> read_cpu(Problems& problems, const Value& value) {
  return read_scalar<std::uint32_t>(problems, value, entry_of(*value.field), scalar_cpu);
}
std::optional<wire::Ipv6Address> read_ipv6(Problems& problems, const Value& value) {
  return read_scalar<wire::Ipv6Address>(problems, value, entry_of(*value.field), scalar_ipv6);
}
std::optional<wire::Ipv4Prefix> read_ipv4_prefix(Problems& problems, const Value& value) {
  return read_scalar<wire::Ipv4Prefix>(problems, value, entry_of(*value.field), scalar_ipv4_prefix);
}
std::optional<wire::Ipv6Prefix> read_ipv6_prefix(Problems& problems, const Value& value) {
  return read_scalar<wire::Ipv6Prefix>(problems, value, entry_of(*value.field), scalar_ipv6_prefix);
}
std::optional<InterfaceAddress> read_interface_address(Problems& problems, const Value& value) {
  return read_scalar<InterfaceAddress>(problems, value, entry_of(*value.field), scalar_interface_address);
}

}  // namespace strata::config
