// Parameters against the schema.
#include <algorithm>

#include "control/rpc/dispatcher.hpp"

namespace strata::rpc {
namespace {

std::string one_of(std::span<const std::string_view> choices) {
  std::string text;
  for (const std::string_view choice : choices) text += (text.empty() ? "" : ", ") + std::string(choice);
  return text;
}

bool is_choice(const Field& field, const Request& value) {
  if (!value.is_string()) return false;
  return field.choices.empty() ||
         std::ranges::find(field.choices, value.get_ref<const std::string&>()) != field.choices.end();
}

bool is_number(const Field& field, const Request& value) {
  if (!value.is_number_unsigned()) return false;
  const auto number = value.get<std::uint64_t>();
  return number >= field.min && number <= field.max;
}

bool is_right(const Field& field, const Request& value) {
  switch (field.type) {
    case Type::text: return is_choice(field, value);
    case Type::number: return is_number(field, value);
    case Type::real: return value.is_number();
    case Type::boolean: return value.is_boolean();
    case Type::texts:
      return value.is_array() &&
             std::ranges::all_of(value, [&](const Request& entry) { return is_choice(field, entry); });
    case Type::object:
    case Type::any: return value.is_object();
  }
  return false;
}

std::string allowed_text(const Field& field) {
  switch (field.type) {
    case Type::text: return field.choices.empty() ? "a text" : one_of(field.choices);
    case Type::number: return std::to_string(field.min) + ".." + std::to_string(field.max);
    case Type::real: return "a number";
    case Type::boolean: return "true, false";
    case Type::texts: return "a list of " + (field.choices.empty() ? "texts" : one_of(field.choices));
    case Type::object:
    case Type::any: return "an object";
  }
  return {};
}

std::string names_of(std::span<const Field> fields) {
  std::string text;
  for (const Field& field : fields) text += (text.empty() ? "" : ", ") + std::string(field.name);
  return text.empty() ? "none" : text;
}

std::string shortened(std::string_view text) {
  constexpr std::size_t kShown = 40;
  return text.size() <= kShown ? std::string(text) : std::string(text.substr(0, kShown)) + "...";
}

}  // namespace

std::optional<Failure> fault_in(std::span<const Field> fields, const Request& params) {
  const auto fault = [](std::string message) { return Failure{error::kInvalidParams, std::move(message)}; };
  if (params.is_array() && params.empty()) return fault_in(fields, Request::object());
  if (!params.is_object()) return fault("parameters are given by name, in an object; allowed: " + names_of(fields));
  for (const auto& [name, value] : params.items()) {
    if (std::ranges::find(fields, name, &Field::name) == fields.end())
      return fault("there is no parameter '" + shortened(name) + "'; allowed: " + names_of(fields));
  }
  for (const Field& field : fields) {
    const auto at = params.find(std::string(field.name));
    if (at == params.end()) {
      if (!field.optional)
        return fault("'" + std::string(field.name) + "' is missing; allowed: " + allowed_text(field));
    } else if (!is_right(field, *at)) {
      return fault("'" + std::string(field.name) + "' is not what is allowed: " + allowed_text(field));
    }
  }
  return std::nullopt;
}

}  // namespace strata::rpc
