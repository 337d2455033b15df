#include "cli/show_tables.hpp"

#include <array>
#include <cctype>
#include <cstdio>
#include <utility>

#include "control/text_table.hpp"

namespace strata::cli {
namespace {

// What a terminal would take for a command is none.
std::string harmless(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = '?';
  return text;
}

std::string text_of(const Json& value) {
  if (value.is_null()) return "-";
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_string()) return harmless(value.get<std::string>());
  if (!value.is_array()) return value.dump();
  std::string all;
  for (const Json& entry : value) all += (all.empty() ? "" : ",") + text_of(entry);
  return all.empty() ? "-" : all;
}

Json at(const Json& row, const char* name) { return row.value(name, Json(nullptr)); }

std::string percent(const Json& share) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%.1f", share.is_number() ? share.get<double>() * 100 : 0.0);
  return text.data();
}

std::string spi(const Json& row) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "0x%x", row.value("spi", 0U));
  return text.data();
}

std::string encapsulation(const Json& row) {
  if (at(row, "udp_source_port").is_null()) return "esp";
  return "udp " + text_of(at(row, "udp_source_port")) + ">" + text_of(at(row, "udp_destination_port"));
}

std::string why(const Json& row) {
  const std::string source = text_of(at(row, "source"));
  return text_of(at(row, "why")) + (source == "-" ? "" : " (" + source + ")");
}

std::string way(const Json& row) {
  if (!at(row, "policy").is_null()) return "policy " + text_of(at(row, "policy"));
  const std::string port = " dev " + text_of(at(row, "port"));
  return at(row, "next_hop").is_null() ? port.substr(1) : "via " + text_of(at(row, "next_hop")) + port;
}

std::string busy(const Json& row) { return percent(at(row, "busy")); }
std::string busy_since_start(const Json& row) { return percent(at(row, "busy_since_start")); }

std::string cpu(const Json& row) { return at(row, "cpu").is_null() ? "any" : text_of(at(row, "cpu")); }

// What is left of one lifetime: "hard 60 s 1000 packets".
std::string left(const Json& row, const char* field, const std::string& name) {
  const Json limits = at(row, field);
  std::string text;
  for (const auto& [limit, unit] : {std::pair{"seconds", " s"}, {"bytes", " bytes"}, {"packets", " packets"}})
    if (limits.is_object() && limits.value(limit, Json(nullptr)).is_number())
      text += " " + limits.at(limit).dump() + unit;
  return text.empty() ? text : name + text;
}

std::string life(const Json& row) {
  const std::string soft = left(row, "soft_left", "soft");
  const std::string hard = left(row, "hard_left", "hard");
  return soft.empty() && hard.empty() ? "-" : soft + (soft.empty() || hard.empty() ? "" : ", ") + hard;
}

std::string learned(const Json& row) { return at(row, "learned") == true ? "a router told" : "configuration"; }

constexpr std::array kPorts{Column{"port", "name"},
                            Column{"side", "side"},
                            Column{"link", "link"},
                            Column{"MTU", "mtu"},
                            Column{"MAC", "mac"},
                            Column{"rx packets", "received"},
                            Column{"rx bytes", "received_bytes"},
                            Column{"missed", "missed"},
                            Column{"no buffer", "no_buffers"},
                            Column{"bad", "bad"},
                            Column{"tx packets", "sent"},
                            Column{"tx bytes", "sent_bytes"},
                            Column{"not sent", "not_sent"},
                            Column{"addresses", "addresses"},
                            Column{"device", "device"}};

constexpr std::array kWorkers{Column{"worker", "worker"},
                              Column{"CPU", nullptr, cpu},
                              Column{"SAs", "sas"},
                              Column{"received", "received"},
                              Column{"handed over", "handed_over"},
                              Column{"busy %", nullptr, busy},
                              Column{"since start %", nullptr, busy_since_start},
                              Column{"queues", "queues"}};

constexpr std::array kSas{Column{"SA", "name"},
                          Column{"dir", "direction"},
                          Column{"SPI", nullptr, spi},
                          Column{"peer", "peer"},
                          Column{"encap", nullptr, encapsulation},
                          Column{"algorithm", "algorithm"},
                          Column{"ESN", "esn"},
                          Column{"window", "replay_window"},
                          Column{"packets", "packets"},
                          Column{"bytes", "bytes"},
                          Column{"sequence", "sequence"},
                          Column{"left", "sequence_left"},
                          Column{"worker", "worker"},
                          Column{"state", "state"},
                          Column{"lifetime left", nullptr, life}};

constexpr std::array kSids{Column{"local SID", "sid"}, Column{"behavior", "behavior"}, Column{"next hop", "next_hop"},
                           Column{"port", "port"},     Column{"clear", "clear"},       Column{"packets", "packets"},
                           Column{"bytes", "bytes"}};

constexpr std::array kPolicies{
    Column{"policy", "name"}, Column{"mode", "mode"},         Column{"SA", "sa"},
    Column{"MTU", "mtu"},     Column{"prefixes", "prefixes"}, Column{"segments", "segments"}};

constexpr std::array kRoutes{Column{"prefix", "prefix"}, Column{"kind", "kind"}, Column{"way", nullptr, way}};

constexpr std::array kNeighbors{Column{"neighbor", "address"}, Column{"port", "port"}, Column{"MAC", "mac"},
                                Column{"state", "state"}};

constexpr std::array kStages{Column{"step", "step"}, Column{"packets", "packets"}};

constexpr std::array kDrops{Column{"cause", "cause"}, Column{"fate", "fate"}, Column{"packets", "packets"},
                            Column{"packets/s", "rate"}, Column{"why", nullptr, why}};

constexpr std::array kMtu{Column{"policy", "policy"}, Column{"MTU now", "mtu"}, Column{"by", nullptr, learned},
                          Column{"as configured", "text"}};

constexpr std::array kAll{
    Shown{"ports", "show.ports", "no port", kPorts},
    Shown{"workers", "show.workers", "no worker", kWorkers},
    Shown{"sas", "show.sas", "no security association", kSas},
    Shown{"sids", "show.sids", "no local SID", kSids},
    Shown{"policies", "show.policies", "no SRv6 policy", kPolicies},
    Shown{"routes", "show.routes", "no route", kRoutes},
    Shown{"neighbors", "show.neighbors", "no neighbor", kNeighbors},
    Shown{"stages", "show.stages", "no step", kStages},
    Shown{"drops", "show.drops", "no packet has ended but by being sent", kDrops},
    Shown{"config", "show.config", "", {}},
    Shown{"mtu", "show.mtu", "no SRv6 policy", kMtu},
};

// As a word of YAML, in quotes where it could be taken for something else.
std::string scalar_text(const Json& value) {
  if (!value.is_string()) return value.is_null() ? "null" : value.dump(-1, ' ', false, Json::error_handler_t::replace);
  const std::string& text = value.get_ref<const std::string&>();
  const bool plain = !text.empty() &&
                     text.find_first_not_of(
                         "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._/-"
                         "0123456789") == std::string::npos &&
                     std::isalpha(static_cast<unsigned char>(text.front())) != 0 && text != "true" && text != "false" &&
                     text != "null" && text != "yes" && text != "no" && text != "on" && text != "off";
  return plain ? text : value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

bool is_one_line(const Json& value) { return !value.is_structured() || value.empty(); }

// The rest of what `indent` begins: lines below, or a word on the same one.
void add_yaml(std::string& out, const Json& value, const std::string& indent) {
  if (is_one_line(value)) {
    out += " " + scalar_text(value) + "\n";
    return;
  }
  out += "\n";
  for (const auto& [key, entry] : value.items()) {
    out.append(indent).append(value.is_array() ? "-" : key).append(value.is_array() ? "" : ":");
    add_yaml(out, entry, indent + "  ");
  }
}

}  // namespace

std::span<const Shown> all_shown() { return kAll; }

std::string table_text(const Shown& shown, const Json& rows) {
  if (rows.empty()) return std::string(shown.none) + "\n";
  std::vector<std::string> head;
  for (const Column& column : shown.columns) head.emplace_back(column.head);
  TextTable table(std::move(head));
  for (const Json& row : rows) {
    std::vector<std::string> cells;
    for (const Column& column : shown.columns)
      cells.push_back(column.cell != nullptr ? column.cell(row) : text_of(at(row, column.field)));
    table.row(std::move(cells));
  }
  return table.text();
}

std::string yaml_text(const Json& json) {
  std::string out;
  add_yaml(out, json, "");
  return out.substr(out.find_first_not_of("\n "));
}

}  // namespace strata::cli
