#include "replay/report.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "control/text_table.hpp"

namespace strata::replay {
namespace {

using Json = nlohmann::ordered_json;

std::string_view name_of(End end) {
  switch (end) {
    case End::sent: return "sent";
    case End::dropped: return "dropped";
    case End::consumed: return "consumed";
    case End::punted: return "punted";
    case End::parked: return "parked";
  }
  return {};
}

std::string reason_of(const ExplainedPacket& packet) {
  return packet.reason.empty() && packet.cause ? sentence_of(*packet.cause) : packet.reason;
}

std::string audit_text(const Report& report) {
  if (report.audit.empty() && report.audit_suppressed == 0) return {};
  TextTable table({"audit", "port", "SPI", "source", "destination", "sequence"});
  for (const AuditEvent& event : report.audit)
    table.row({std::string(text_of(event.cause).name), event.port, event.spi ? spi_text(*event.spi) : "", event.source,
               event.destination, event.sequence ? std::to_string(*event.sequence) : ""});
  std::string text = table.text();
  if (report.audit_suppressed != 0) text += "and " + std::to_string(report.audit_suppressed) + " more\n";
  return text;
}

std::string expect_text(const Expectation& expectation) {
  const std::string head = "expect " + expectation.port + ": ";
  if (!expectation.error.empty()) return head + expectation.error + "\n";
  if (!expectation.difference) return head + "as in " + expectation.file + "\n";
  return head + "not as in " + expectation.file + "; the first difference:\n" + expectation.difference->text;
}

std::string speed_text(const Report& report) {
  if (report.seconds <= 0) return {};
  std::array<char, 192> text{};
  std::snprintf(text.data(), text.size(),
                "%.0f packets a second in the dataplane; %.3f s with the files, %.0f packets a second\n",
                report.dataplane_packets_per_second, report.seconds, report.packets_per_second);
  return text.data();
}

// Seconds as a number have room for microseconds, not for more.
double seconds_of(std::uint64_t time_ns) {
  constexpr double kMicrosecondsPerSecond = 1e6;
  const std::uint64_t microseconds = (time_ns + 500) / 1000;
  return static_cast<double>(microseconds) / kMicrosecondsPerSecond;
}

Json audit_json(const AuditEvent& event) {
  Json json = {{"cause", text_of(event.cause).name},
               {"port", event.port},
               {"spi", nullptr},
               {"source", event.source},
               {"destination", event.destination},
               {"sequence", nullptr},
               {"time", seconds_of(event.time_ns)}};
  if (event.spi) json["spi"] = spi_text(*event.spi);
  if (event.sequence) json["sequence"] = *event.sequence;
  return json;
}

Json packet_json(const ExplainedPacket& packet) {
  Json json = {
      {"number", packet.number},    {"port", packet.port}, {"summary", packet.summary},   {"steps", packet.steps},
      {"end", name_of(packet.end)}, {"cause", nullptr},    {"reason", reason_of(packet)}, {"to", nullptr}};
  if (packet.cause) json["cause"] = text_of(*packet.cause).name;
  if (packet.to) json["to"] = *packet.to;
  return json;
}

Json expect_json(const Expectation& expectation) {
  Json json = {{"port", expectation.port}, {"match", expectation.match()}};
  if (expectation.difference) {
    json["packet"] = expectation.difference->packet_number;
    json["difference"] = expectation.difference->text;
  }
  if (!expectation.error.empty()) json["error"] = expectation.error;
  return json;
}

template <class List, class ToJson>
Json list_json(const List& list, ToJson one) {
  Json json = Json::array();
  for (const auto& item : list) json.push_back(one(item));
  return json;
}

}  // namespace

std::string to_line(const ExplainedPacket& packet) {
  std::string text = "#" + std::to_string(packet.number) + " " + packet.port + " " + packet.summary;
  for (const std::string& step : packet.steps) text += " | " + step;
  text += " | " + std::string(name_of(packet.end));
  if (packet.to && packet.end == End::sent) text += " to " + *packet.to;
  if (packet.cause) text += " " + std::string(text_of(*packet.cause).name);
  const std::string reason = reason_of(packet);
  if (!reason.empty()) text += ": " + reason;
  if (packet.to && packet.end != End::sent) text += "; because of it something left by " + *packet.to;
  return text + "\n";
}

std::string to_text(const Report& report) {
  std::string text;
  for (const ExplainedPacket& packet : report.packets) text += to_line(packet);
  add_part(text, to_text(static_cast<const Ledger&>(report)));
  add_part(text, audit_text(report));
  add_part(text, icmp_text(report));
  add_part(text, ecn_text(report));
  for (const Expectation& expectation : report.expect) add_part(text, expect_text(expectation));
  std::string errors;
  for (const std::string& error : report.errors) errors += "error: " + error + "\n";
  add_part(text, errors);
  add_part(text, speed_text(report) + balance_text(report));
  return text;
}

Json to_json(const Report& report) {
  Json json;
  json["config"] = report.config;
  add_ledger(json, report);
  json["audit"] = list_json(report.audit, audit_json);
  if (report.explained) json["packets"] = list_json(report.packets, packet_json);
  json["expect"] = list_json(report.expect, expect_json);
  json["dataplane_seconds"] = report.dataplane_seconds;
  json["dataplane_packets_per_second"] = report.dataplane_packets_per_second;
  json["seconds"] = report.seconds;
  json["packets_per_second"] = report.packets_per_second;
  json["errors"] = report.errors;
  return json;
}

std::string to_json_text(const Report& report) { return printed(to_json(report)); }

}  // namespace strata::replay
