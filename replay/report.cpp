#include "replay/report.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <numeric>

#include "replay/text_table.hpp"

namespace strata::replay {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array kFates{Fate::dropped, Fate::consumed, Fate::punted};

std::string_view name_of(Fate fate) {
  switch (fate) {
    case Fate::dropped: return "dropped";
    case Fate::consumed: return "consumed";
    case Fate::punted: return "punted";
  }
  return {};
}

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

std::uint64_t count_of(const Report& report, const CauseText& row) {
  return report.causes[static_cast<std::size_t>(row.cause)];
}

std::string spi_text(std::uint32_t spi) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "0x%x", spi);
  return text.data();
}

std::string reason_of(const ExplainedPacket& packet) {
  return packet.reason.empty() && packet.cause ? sentence_of(*packet.cause) : packet.reason;
}

std::string ports_text(const Report& report) {
  TextTable table({"port", "received", "sent"});
  for (const PortCount& port : report.ports)
    table.row({port.name, std::to_string(port.received), std::to_string(port.sent)});
  return table.text();
}

std::string causes_text(const Report& report, Fate fate) {
  TextTable table({std::string(name_of(fate)), "packets", "why"});
  for (const CauseText& row : kCauses) {
    const std::uint64_t count = count_of(report, row);
    if (row.fate == fate && count != 0)
      table.row({std::string(row.name), std::to_string(count), sentence_of(row.cause)});
  }
  return table.text();
}

std::string volumes_text(const std::string& title, const std::vector<Volume>& volumes) {
  TextTable table({title, "packets", "octets"});
  for (const Volume& volume : volumes)
    table.row({volume.name, std::to_string(volume.packets), std::to_string(volume.octets)});
  return table.text();
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

std::string balance_text(const Report& report) {
  std::string text = std::to_string(report.received) + " received + " + std::to_string(report.generated) +
                     " generated = " + std::to_string(report.sent) + " sent";
  for (const Fate fate : kFates) text += " + " + std::to_string(report.total(fate)) + " " + std::string(name_of(fate));
  text += " + " + std::to_string(report.parked) + " parked: ";
  const std::int64_t missing = report.missing();
  if (missing == 0) return text + "balanced\n";
  return text + "NOT balanced: " +
         (missing > 0 ? std::to_string(missing) + " missing\n" : std::to_string(-missing) + " too many\n");
}

Json causes_json(const Report& report, Fate fate) {
  Json json = Json::object();
  for (const CauseText& row : kCauses)
    if (row.fate == fate && count_of(report, row) != 0) json[std::string(row.name)] = count_of(report, row);
  return json;
}

Json volumes_json(const std::vector<Volume>& volumes) {
  Json json = Json::object();
  for (const Volume& volume : volumes) json[volume.name] = {{"packets", volume.packets}, {"bytes", volume.octets}};
  return json;
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

std::uint64_t Report::total(Fate fate) const {
  std::uint64_t sum = 0;
  for (const CauseText& row : kCauses)
    if (row.fate == fate) sum += causes[static_cast<std::size_t>(row.cause)];
  return sum;
}

std::int64_t Report::missing() const {
  const std::uint64_t ended = sent + parked + std::accumulate(causes.begin(), causes.end(), std::uint64_t{0});
  return static_cast<std::int64_t>(received + generated - ended);
}

std::string sentence_of(Cause cause) {
  const CauseText& row = text_of(cause);
  std::string text(row.sentence);
  return row.source.empty() ? text : text + " (" + std::string(row.source) + ")";
}

std::string to_line(const ExplainedPacket& packet) {
  std::string text = "#" + std::to_string(packet.number) + " " + packet.port + " " + packet.summary;
  for (const std::string& step : packet.steps) text += " | " + step;
  text += " | " + std::string(name_of(packet.end));
  if (packet.to) text += " to " + *packet.to;
  if (packet.cause) text += " " + std::string(text_of(*packet.cause).name);
  const std::string reason = reason_of(packet);
  return (reason.empty() ? text : text + ": " + reason) + "\n";
}

std::string to_text(const Report& report) {
  std::string text;
  const auto add = [&text](const std::string& part) {
    if (!text.empty() && !part.empty()) text += '\n';
    text += part;
  };
  std::string packets;
  for (const ExplainedPacket& packet : report.packets) packets += to_line(packet);
  add(packets);
  add(ports_text(report));
  for (const Fate fate : kFates) add(causes_text(report, fate));
  add(volumes_text("SA", report.security_associations));
  add(volumes_text("local SID", report.local_sids));
  add(audit_text(report));
  if (report.icmp_errors_limited != 0)
    add(std::to_string(report.icmp_errors_limited) + " ICMP errors kept back by icmp.errors_per_second\n");
  if (report.ecn_anomalies != 0)
    add(std::to_string(report.ecn_anomalies) +
        " ECN marks that no honest path makes (RFC 6040 4.2), forwarded all the same\n");
  for (const Expectation& expectation : report.expect) add(expect_text(expectation));
  std::string errors;
  for (const std::string& error : report.errors) errors += "error: " + error + "\n";
  add(errors);
  add(speed_text(report) + balance_text(report));
  return text;
}

Json to_json(const Report& report) {
  Json ports = Json::object();
  for (const PortCount& port : report.ports) ports[port.name] = {{"received", port.received}, {"sent", port.sent}};
  Json json;
  json["config"] = report.config;
  json["received"] = report.received;
  json["generated"] = report.generated;
  json["sent"] = report.sent;
  for (const Fate fate : kFates) json[std::string(name_of(fate))] = causes_json(report, fate);
  json["parked"] = report.parked;
  json["balanced"] = report.balanced();
  json["ports"] = std::move(ports);
  json["security_associations"] = volumes_json(report.security_associations);
  json["local_sids"] = volumes_json(report.local_sids);
  json["audit"] = list_json(report.audit, audit_json);
  json["audit_suppressed"] = report.audit_suppressed;
  json["icmp_errors_limited"] = report.icmp_errors_limited;
  json["ecn_anomalies"] = report.ecn_anomalies;
  if (report.explained) json["packets"] = list_json(report.packets, packet_json);
  json["expect"] = list_json(report.expect, expect_json);
  json["dataplane_seconds"] = report.dataplane_seconds;
  json["dataplane_packets_per_second"] = report.dataplane_packets_per_second;
  json["seconds"] = report.seconds;
  json["packets_per_second"] = report.packets_per_second;
  json["errors"] = report.errors;
  return json;
}

std::string to_json_text(const Report& report) {
  return to_json(report).dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace strata::replay
