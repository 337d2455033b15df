// Reads values out of a document as the schema says, and notes each mistake; whoever reads goes on after one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/config.hpp"
#include "config/document.hpp"
#include "config/problem.hpp"
#include "config/schema.hpp"

namespace strata::config {

// Where in the tree: a chain of places on the stack, spelled out only when there is a mistake to report.
struct Path {
  const Path* parent = nullptr;
  std::string_view key{};
  std::optional<std::size_t> index{};
};
std::string to_string(const Path& path);  // ports.wan.addresses[0]

// A value at its place, with the schema's word on it.
struct Value {
  const Node* node = nullptr;
  const Field* field = nullptr;
  Path path;

  [[nodiscard]] Mark mark() const { return node->mark; }
};

class Problems {
 public:
  // Nobody reads more, and what a client sends in one line may have hundreds of thousands: those beyond are counted.
  static constexpr std::size_t kMost = 10'000;

  void add(Problem problem) {
    if (list_.size() < kMost)
      list_.push_back(std::move(problem));
    else
      ++more_;
  }
  // The value is not what is allowed; `found` defaults to the value's own text.
  void refuse(const Value& value, std::string message);
  void refuse(const Value& value, std::string found, std::string message);

  [[nodiscard]] bool empty() const { return list_.empty(); }
  [[nodiscard]] std::size_t size() const { return list_.size(); }
  std::vector<Problem> take_sorted();  // by line and column; behind them how many more there are

 private:
  std::vector<Problem> list_;
  std::size_t more_ = 0;
};

// What stands there, for an error: "200", "a list", "nothing"; never a key.
std::string found_text(const Value& value);

// One mapping of the document. Making it notes unknown keys, keys given twice and missing ones; the readers below give
// nothing for what is absent without a default or was noted as a mistake.
class Mapping {
 public:
  static constexpr std::size_t kMostFields = 16;

  Mapping(const Document& document, Problems& problems, const Node& node, const Section& section, const Path& path);

  [[nodiscard]] const Node& node() const { return *node_; }
  [[nodiscard]] const Path& path() const { return path_; }
  [[nodiscard]] std::optional<Value> value(std::string_view key) const;
  [[nodiscard]] bool takes(std::string_view key) const { return find_field(*section_, key) != nullptr; }
  [[nodiscard]] bool has(std::string_view key) const { return value(key).has_value(); }

  [[nodiscard]] std::optional<std::uint64_t> number(std::string_view key) const;
  [[nodiscard]] std::optional<bool> boolean(std::string_view key) const;
  [[nodiscard]] std::optional<std::size_t> choice(std::string_view key) const;  // place in Field::choices
  [[nodiscard]] std::optional<std::string> text(std::string_view key) const;    // of Type::text and Type::name
  [[nodiscard]] std::optional<wire::MacAddress> mac(std::string_view key) const;
  [[nodiscard]] std::optional<wire::Ipv4Address> ipv4(std::string_view key) const;
  [[nodiscard]] std::optional<wire::Ipv6Address> ipv6(std::string_view key) const;
  [[nodiscard]] std::optional<wire::Ipv4Prefix> ipv4_prefix(std::string_view key) const;
  [[nodiscard]] std::optional<wire::Ipv6Prefix> ipv6_prefix(std::string_view key) const;  // of Type::sid as well
  // The DSCP that is said; nothing: copy, or what was said is a mistake.
  [[nodiscard]] std::optional<std::uint8_t> dscp(std::string_view key) const;
  [[nodiscard]] std::optional<std::uint8_t> protocol(std::string_view key) const;
  [[nodiscard]] std::optional<PortRange> port_range(std::string_view key) const;
  [[nodiscard]] std::optional<Mapping> mapping(std::string_view key) const;

  // The entries of a list, each as a value; notes a wrong kind and a wrong count.
  [[nodiscard]] std::vector<Value> entries(std::string_view key) const;
  // The entries of a list of mappings, or of named mappings, one at a time: fn(const Mapping&) or fn(name, key,
  // mapping).
  template <class Fn>
  void for_each(std::string_view key, Fn fn) const {
    for (const Value& entry : entries(key)) {
      if (is_mapping(entry)) fn(Mapping(*document_, *problems_, *entry.node, *entry.field->section, entry.path));
    }
  }
  template <class Fn>
  void for_each_named(std::string_view key, Fn fn) const {
    for (const Named& entry : named_entries(key)) {
      const Value value{.node = entry.value, .field = entry.field, .path = {&entry.parent, entry.key->text(), {}}};
      if (is_mapping(value))
        fn(*entry.key, Mapping(*document_, *problems_, *value.node, *value.field->section, value.path));
    }
  }

 private:
  struct Named {
    const Node* key;
    const Node* value;
    const Field* field;
    Path parent;
  };
  [[nodiscard]] std::vector<Named> named_entries(std::string_view key) const;
  [[nodiscard]] bool is_mapping(const Value& value) const;
  void read_keys();
  void unknown_key(const Node& key) const;
  void key_twice(const Node& key, const Node& first) const;
  template <class T, class Parse>
  std::optional<T> read(std::string_view key, Parse parse) const;

  const Document* document_;
  Problems* problems_;
  const Node* node_;
  const Section* section_;
  Path path_;
  std::array<const Node*, kMostFields> values_{};  // by the field's place in the section
};

// Readers of one value, for the entries of a list; each notes its mistake.
std::optional<std::string> read_text(Problems& problems, const Value& value);
std::optional<std::uint32_t> read_cpu(Problems& problems, const Value& value);
std::optional<wire::Ipv6Address> read_ipv6(Problems& problems, const Value& value);
std::optional<wire::Ipv4Prefix> read_ipv4_prefix(Problems& problems, const Value& value);
std::optional<wire::Ipv6Prefix> read_ipv6_prefix(Problems& problems, const Value& value);
using InterfaceAddress = std::variant<wire::Ipv4Prefix, wire::Ipv6Prefix>;
std::optional<InterfaceAddress> read_interface_address(Problems& problems, const Value& value);

}  // namespace strata::config
