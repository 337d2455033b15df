#include "config/schema_text.hpp"

#include <nlohmann/json.hpp>
#include <vector>

#include "config/schema.hpp"

namespace strata::config {
namespace {

using Json = nlohmann::ordered_json;

// Patterns keep what is plainly something else out; whether the address in it is one, the parser says.
constexpr std::string_view kMac = "^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}$";
constexpr std::string_view kIpv4 = "^[0-9]{1,3}(\\.[0-9]{1,3}){3}$";
constexpr std::string_view kIpv6 = "^[0-9A-Fa-f.]*(:[0-9A-Fa-f.]*){2,8}$";
constexpr std::string_view kIpv4Prefix = "^[0-9]{1,3}(\\.[0-9]{1,3}){3}/[0-9]{1,2}$";
constexpr std::string_view kIpv6Prefix = "^[0-9A-Fa-f.]*(:[0-9A-Fa-f.]*){2,8}/[0-9]{1,3}$";
constexpr std::string_view kSid = "^[0-9A-Fa-f.]*(:[0-9A-Fa-f.]*){2,8}(/[0-9]{1,3})?$";
constexpr std::string_view kInterface = "^[0-9A-Fa-f.:]+/[0-9]{1,3}$";
constexpr std::string_view kKey = "^\\s*(hex:([0-9A-Fa-f]{2})+|file:.+)\\s*$";
constexpr std::string_view kName = "^[0-9A-Za-z._:/@+-]{1,64}$";
constexpr std::string_view kNumber = "^(0[xX][0-9A-Fa-f]+|0|[1-9][0-9]*)$";
constexpr std::string_view kPortRange = "^[0-9]{1,5}(-[0-9]{1,5})?$";

Json section_schema(const Section& section);

Json pattern(std::string_view expression) { return {{"type", "string"}, {"pattern", expression}}; }

Json range(std::uint64_t min, std::uint64_t max) { return {{"type", "integer"}, {"minimum", min}, {"maximum", max}}; }

// Written in quotes, a number is still one.
Json number_schema(const Field& field) {
  Json options = Json::array({range(field.min, field.max), pattern(kNumber)});
  if (field.zero_too) options.push_back({{"const", 0}});
  return {{"anyOf", options}};
}

Json dscp_schema() { return {{"anyOf", Json::array({range(0, 63), Json{{"const", "copy"}}, pattern(kNumber)})}}; }

Json protocol_schema() {
  Json names = Json::array();
  for (const ProtocolName& protocol : protocol_names()) names.push_back(protocol.name);
  return {{"anyOf", Json::array({range(0, 255), Json{{"enum", names}}, pattern(kNumber)})}};
}

Json named_schema(const Field& field) {
  return {{"type", "object"},
          {"propertyNames", {{"pattern", kName}}},
          {"additionalProperties", section_schema(*field.section)},
          {"minProperties", field.min},
          {"maxProperties", field.max}};
}

Json value_schema(const Field& field) {
  switch (field.type) {
    case Type::text: return {{"type", Json::array({"string", "number"})}, {"minLength", 1}};
    case Type::name:
    case Type::port_name: return {{"anyOf", Json::array({pattern(kName), Json{{"type", "integer"}}})}};
    case Type::number: return number_schema(field);
    case Type::cpu: return {{"anyOf", Json::array({range(0, kLastCpu), pattern(kNumber)})}};
    case Type::boolean: return {{"type", "boolean"}};
    case Type::choice: return {{"enum", field.choices}};
    case Type::mac: return pattern(kMac);
    case Type::ipv4: return pattern(kIpv4);
    case Type::ipv6: return pattern(kIpv6);
    case Type::ipv4_prefix: return pattern(kIpv4Prefix);
    case Type::ipv6_prefix: return pattern(kIpv6Prefix);
    case Type::interface_address: return pattern(kInterface);
    case Type::sid: return pattern(kSid);
    case Type::key: return pattern(kKey);
    case Type::dscp: return dscp_schema();
    case Type::protocol: return protocol_schema();
    case Type::port_range: return {{"anyOf", Json::array({range(0, 65535), pattern(kPortRange)})}};
    case Type::mapping: return section_schema(*field.section);
    case Type::named_mappings: return named_schema(field);
  }
  return {};
}

// The default as YAML reads it.
Json default_of(const Field& field) {
  const std::string text(field.default_text);
  const bool is_text =
      field.type == Type::choice || field.type == Type::dscp || field.type == Type::text || field.type == Type::name;
  return is_text && !field.list ? Json(text) : Json::parse(text, nullptr, false);
}

Json field_schema(const Field& field) {
  Json out = value_schema(field);
  if (field.list) {
    out = {{"type", "array"}, {"items", out}};
    if (field.min > 0) out["minItems"] = field.min;
    out["maxItems"] = field.max;
  }
  out["description"] = std::string(field.description) + " Allowed: " + allowed_text(field) + ".";
  if (!field.default_text.empty()) out["default"] = default_of(field);
  return out;
}

Json section_schema(const Section& section) {
  Json properties = Json::object();
  Json required = Json::array();
  for (const Field& field : section.fields) {
    properties[std::string(field.key)] = field_schema(field);
    if (field.required) required.push_back(field.key);
  }
  Json out{{"type", "object"}, {"properties", properties}, {"additionalProperties", false}};
  if (!required.empty()) out["required"] = required;
  return out;
}

// A | would end the table's cell.
std::string cell(std::string text) {
  for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.insert(at, "\\");
  return text;
}

std::string row(const Field& field) {
  std::string absent = field.required ? "required" : "may be left out";
  if (!field.default_text.empty()) absent = "default `" + std::string(field.default_text) + "`";
  std::string out = "| `" + std::string(field.key) + "` | " + absent + " | ";
  out += cell(allowed_text(field));
  return out + " | " + cell(std::string(field.description)) + " |\n";
}

void write_section(const Section& section, std::string& out) {
  const std::string path = section.path.empty() ? "the file" : "`" + std::string(section.path) + "`";
  out += "### " + path + "\n\n" + std::string(section.about) + "\n\n";
  out += "| key | | allowed | meaning |\n|---|---|---|---|\n";
  for (const Field& field : section.fields) out += row(field);
  out += "\n";
  for (const Field& field : section.fields) {
    if (field.section != nullptr) write_section(*field.section, out);
  }
}

}  // namespace

std::string json_schema() {
  Json out{{"$schema", "http://json-schema.org/draft-07/schema#"},
           {"title", "strata configuration"},
           {"description", "Made from config/schema.cpp by strata-config-docs; see docs/configuration.md."}};
  out.update(section_schema(root_section()));
  return out.dump(2) + "\n";
}

std::string reference_markdown() {
  std::string out;
  write_section(root_section(), out);
  return out;
}

}  // namespace strata::config
