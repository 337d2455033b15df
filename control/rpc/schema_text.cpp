#include "control/rpc/schema_text.hpp"

#include "control/rpc/schema.hpp"

namespace strata::rpc {
namespace {

using Json = nlohmann::ordered_json;

Json object_schema(std::span<const Field> fields, bool all_required);

Json choices_json(const Field& field) {
  Json list = Json::array();
  for (const std::string_view choice : field.choices) list.push_back(choice);
  return list;
}

Json text_schema(const Field& field) {
  Json schema{{"type", "string"}};
  if (!field.choices.empty()) schema["enum"] = choices_json(field);
  return schema;
}

Json number_schema(const Field& field) {
  Json schema{{"type", "integer"}, {"minimum", field.min}};
  if (field.max != UINT64_MAX) schema["maximum"] = field.max;
  return schema;
}

Json value_schema(const Field& field) {
  switch (field.type) {
    case Type::text: return text_schema(field);
    case Type::number: return number_schema(field);
    case Type::real: return {{"type", "number"}, {"minimum", 0}};
    case Type::boolean: return {{"type", "boolean"}};
    case Type::texts: return {{"type", "array"}, {"items", text_schema(field)}};
    case Type::object: return object_schema(field.fields, true);
    case Type::any: return Json::object();
  }
  return {};
}

Json field_schema(const Field& field, bool answers) {
  Json schema = value_schema(field);
  if (answers && field.optional) schema = {{"anyOf", Json::array({schema, Json{{"type", "null"}}})}};
  schema["description"] = field.about;
  return schema;
}

Json object_schema(std::span<const Field> fields, bool all_required) {
  Json properties = Json::object();
  Json required = Json::array();
  for (const Field& field : fields) {
    properties[std::string(field.name)] = field_schema(field, all_required);
    if (all_required || !field.optional) required.push_back(field.name);
  }
  Json schema{{"type", "object"}, {"properties", properties}, {"additionalProperties", false}};
  if (!required.empty()) schema["required"] = required;
  return schema;
}

Json table_schema(const Method& method) {
  const Json number{{"type", "integer"}, {"minimum", 0}};
  Json next{{"anyOf", Json::array({number, Json{{"type", "null"}}})},
            {"description", "Where the rest begins; null: this was the last part."}};
  Json total = number;
  total["description"] = "Rows in all.";
  return {{"type", "object"},
          {"properties",
           {{"items", {{"type", "array"}, {"items", object_schema(method.result, true)}}},
            {"total", total},
            {"next", next}}},
          {"additionalProperties", false},
          {"required", Json::array({"items", "total", "next"})}};
}

std::span<const Field> params_of(const Method& method) {
  return method.answer == Answer::table ? table_params() : method.params;
}

Json method_json(const Method& method) {
  Json params = Json::array();
  for (const Field& field : params_of(method))
    params.push_back({{"name", field.name},
                      {"description", field.about},
                      {"required", !field.optional},
                      {"schema", value_schema(field)}});
  return {{"name", method.name},
          {"description", method.about},
          {"paramStructure", "by-name"},
          {"params", params},
          {"result",
           {{"name", "result"},
            {"schema", method.answer == Answer::table ? table_schema(method) : object_schema(method.result, true)}}}};
}

// A | would end the table's cell.
std::string cell(std::string_view text) {
  std::string made(text);
  for (std::size_t at = 0; (at = made.find('|', at)) != std::string::npos; at += 2) made.insert(at, "\\");
  return made;
}

std::string type_text(const Field& field) {
  std::string choices;
  for (const std::string_view choice : field.choices)
    choices += (choices.empty() ? ": `" : ", `") + std::string(choice) + "`";
  switch (field.type) {
    case Type::text: return "text" + choices;
    case Type::number:
      if (field.max == UINT64_MAX) return "number";
      return "number, " + std::to_string(field.min) + " to " + std::to_string(field.max);
    case Type::real: return "number with a fraction";
    case Type::boolean: return "true or false";
    case Type::texts: return "list of texts" + choices;
    case Type::object:
    case Type::any: return "object";
  }
  return {};
}

void add_rows(std::string& out, std::span<const Field> fields, const std::string& before, std::string_view optional) {
  for (const Field& field : fields) {
    const std::string name = before + std::string(field.name);
    out += "| `" + name + "` | " + type_text(field) + (field.optional ? std::string(optional) : std::string()) + " | " +
           cell(field.about) + " |\n";
    add_rows(out, field.fields, name + ".", optional);
  }
}

void add_table(std::string& out, std::string_view title, std::span<const Field> fields, std::string_view optional) {
  if (fields.empty()) return;
  out += "| " + std::string(title) + " | | |\n|---|---|---|\n";
  add_rows(out, fields, "", optional);
  out += "\n";
}

void add_method(std::string& out, const Method& method) {
  out += "### " + std::string(method.name) + "\n\n" + std::string(method.about) + "\n\n";
  if (method.answer == Answer::table) {
    add_table(out, "each of `items`", method.result, " or null");
    return;
  }
  add_table(out, "parameter", method.params, ", may be left out");
  add_table(out, "answer", method.result, " or null");
}

}  // namespace

Json openrpc() {
  Json list = Json::array();
  for (const Method& method : methods()) list.push_back(method_json(method));
  Json events_json = Json::array();
  for (const Event& event : events())
    events_json.push_back(
        {{"name", event.name}, {"description", event.about}, {"params", object_schema(event.fields, true)}});
  return {{"openrpc", "1.2.6"},
          {"info",
           {{"title", "strata control socket"},
            {"version", std::to_string(kApiVersion)},
            {"description", "Made from control/rpc/schema.cpp by strata-control-docs; see docs/control.md."}}},
          {"methods", list},
          {"x-events", events_json}};
}

std::string reference_markdown() {
  std::string out;
  for (const Method& method : methods()) add_method(out, method);
  out += "## Events\n\n";
  for (const Event& event : events()) {
    out += "### event " + std::string(event.name) + "\n\n" + std::string(event.about) + "\n\n";
    add_table(out, "of `params`", event.fields, " or null");
  }
  out += "## Errors\n\n| code | | |\n|---|---|---|\n";
  for (const Error& error : errors())
    out += "| " + std::to_string(error.code) + " | " + std::string(error.name) + " | " + cell(error.about) + " |\n";
  return out;
}

}  // namespace strata::rpc
