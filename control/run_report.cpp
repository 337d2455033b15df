#include "control/run_report.hpp"

#include <cstdio>

#include "control/text_table.hpp"

namespace strata {
namespace {

using Json = nlohmann::ordered_json;

std::string devices_text(const RunReport& report) {
  TextTable table({"device", "received", "missed", "no buffer", "bad", "sent", "not sent"});
  for (const DeviceCount& count : report.devices)
    table.row({count.device, std::to_string(count.received), std::to_string(count.missed),
               std::to_string(count.no_buffers), std::to_string(count.bad), std::to_string(count.sent),
               std::to_string(count.not_sent)});
  return table.text();
}

std::string percent(double share) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%.1f", share * 100);
  return text.data();
}

std::string workers_text(const RunReport& report) {
  TextTable table({"worker", "CPU", "received", "handed over", "busy %"});
  for (std::size_t i = 0; i < report.workers.size(); ++i) {
    const WorkerCount& count = report.workers[i];
    table.row({std::to_string(i), count.cpu ? std::to_string(*count.cpu) : "any", std::to_string(count.received),
               std::to_string(count.handed_over), percent(count.busy)});
  }
  return table.text();
}

std::string last_lines(const RunReport& report) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.1f s", report.seconds);
  std::string line = text.data();
  if (report.audit_suppressed != 0)
    line += "; " + std::to_string(report.audit_suppressed) + " audit events were counted, not told";
  if (report.buffers_missing) {
    line += *report.buffers_missing == 0 ? "; all packet buffers came back"
                                         : "; " + std::to_string(*report.buffers_missing) + " packet buffers are lost";
  }
  return line + "\n" + balance_text(report);
}

Json devices_json(const RunReport& report) {
  Json json = Json::object();
  for (const DeviceCount& count : report.devices)
    json[count.port] = {
        {"device", count.device}, {"received", count.received},      {"received_bytes", count.received_octets},
        {"missed", count.missed}, {"no_buffers", count.no_buffers},  {"bad", count.bad},
        {"sent", count.sent},     {"sent_bytes", count.sent_octets}, {"not_sent", count.not_sent}};
  return json;
}

Json workers_json(const RunReport& report) {
  Json json = Json::array();
  for (const WorkerCount& count : report.workers)
    json.push_back({{"cpu", count.cpu ? Json(*count.cpu) : Json(nullptr)},
                    {"received", count.received},
                    {"handed_over", count.handed_over},
                    {"busy", count.busy}});
  return json;
}

}  // namespace

std::string to_text(const RunReport& report) {
  std::string text = to_text(static_cast<const Ledger&>(report));
  add_part(text, devices_text(report));
  add_part(text, workers_text(report));
  add_part(text, icmp_text(report));
  add_part(text, ecn_text(report));
  std::string errors;
  for (const std::string& error : report.errors) errors += "error: " + error + "\n";
  add_part(text, errors);
  add_part(text, last_lines(report));
  return text;
}

Json to_json(const RunReport& report) {
  Json json;
  json["config"] = report.config;
  add_ledger(json, report);
  json["devices"] = devices_json(report);
  json["workers"] = workers_json(report);
  json["gone_security_associations"] = volume_json(report.gone_security_associations);
  json["gone_local_sids"] = volume_json(report.gone_local_sids);
  json["buffers_missing"] = nullptr;
  if (report.buffers_missing) json["buffers_missing"] = *report.buffers_missing;
  json["seconds"] = report.seconds;
  json["errors"] = report.errors;
  return json;
}

}  // namespace strata
