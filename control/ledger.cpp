#include "control/ledger.hpp"

#include <cstdio>
#include <numeric>

#include "control/text_table.hpp"

namespace strata {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array kFates{Fate::dropped, Fate::consumed, Fate::punted};

std::uint64_t count_of(const Ledger& ledger, const CauseText& row) {
  return ledger.causes[static_cast<std::size_t>(row.cause)];
}

std::string ports_text(const Ledger& ledger) {
  TextTable table({"port", "received", "sent"});
  for (const PortCount& port : ledger.ports)
    table.row({port.name, std::to_string(port.received), std::to_string(port.sent)});
  return table.text();
}

std::string steps_text(const Ledger& ledger) {
  TextTable table({"step", "packets"});
  for (const StepCount& step : ledger.steps)
    if (step.packets != 0) table.row({std::string(step.name), std::to_string(step.packets)});
  return table.text();
}

std::string causes_text(const Ledger& ledger, Fate fate) {
  TextTable table({std::string(name_of(fate)), "packets", "why"});
  for (const CauseText& row : kCauses) {
    const std::uint64_t count = count_of(ledger, row);
    if (row.fate == fate && count != 0)
      table.row({std::string(row.name), std::to_string(count), sentence_of(row.cause)});
  }
  return table.text();
}

std::string volumes_text(const std::string& title, const std::vector<Volume>& volumes, const Volume& gone) {
  TextTable table({title, "packets", "octets"});
  for (const Volume& volume : volumes)
    table.row({volume.name, std::to_string(volume.packets), std::to_string(volume.octets)});
  if (gone.packets != 0) table.row({"(gone)", std::to_string(gone.packets), std::to_string(gone.octets)});
  return table.text();
}

Json causes_json(const Ledger& ledger, Fate fate) {
  Json json = Json::object();
  for (const CauseText& row : kCauses)
    if (row.fate == fate && count_of(ledger, row) != 0) json[std::string(row.name)] = count_of(ledger, row);
  return json;
}

Json steps_json(const Ledger& ledger) {
  Json json = Json::object();
  for (const StepCount& step : ledger.steps) json[std::string(step.name)] = step.packets;
  return json;
}

// Each name is there once: to look for it among those before it takes half a minute where there are 100,000.
Json volumes_json(const std::vector<Volume>& volumes) {
  Json::object_t json;
  for (const Volume& volume : volumes) json.emplace_back(volume.name, volume_json(volume));
  return json;
}

}  // namespace

void add(Volume& sum, const Volume& more) {
  sum.packets += more.packets;
  sum.octets += more.octets;
}

nlohmann::ordered_json volume_json(const Volume& volume) {
  return {{"packets", volume.packets}, {"bytes", volume.octets}};
}

std::uint64_t Ledger::total(Fate fate) const {
  std::uint64_t sum = 0;
  for (const CauseText& row : kCauses)
    if (row.fate == fate) sum += count_of(*this, row);
  return sum;
}

std::int64_t Ledger::missing() const {
  const std::uint64_t ended = sent + parked + std::accumulate(causes.begin(), causes.end(), std::uint64_t{0});
  return static_cast<std::int64_t>(received + generated - ended);
}

std::string_view name_of(Fate fate) {
  switch (fate) {
    case Fate::dropped: return "dropped";
    case Fate::consumed: return "consumed";
    case Fate::punted: return "punted";
  }
  return {};
}

std::string sentence_of(Cause cause) {
  const CauseText& row = text_of(cause);
  std::string text(row.sentence);
  return row.source.empty() ? text : text + " (" + std::string(row.source) + ")";
}

std::string spi_text(std::uint32_t spi) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "0x%x", spi);
  return text.data();
}

void add_part(std::string& text, const std::string& part) {
  if (!text.empty() && !part.empty()) text += '\n';
  text += part;
}

std::string to_text(const Ledger& ledger) {
  std::string text = ports_text(ledger);
  add_part(text, steps_text(ledger));
  for (const Fate fate : kFates) add_part(text, causes_text(ledger, fate));
  add_part(text, volumes_text("SA", ledger.security_associations, ledger.gone_security_associations));
  add_part(text, volumes_text("local SID", ledger.local_sids, ledger.gone_local_sids));
  return text;
}

std::string ecn_text(const Ledger& ledger) {
  if (ledger.ecn_anomalies == 0) return {};
  return std::to_string(ledger.ecn_anomalies) +
         " ECN marks that no honest path makes (RFC 6040 4.2), forwarded all the same\n";
}

std::string icmp_text(const Ledger& ledger) {
  if (ledger.icmp_errors_limited == 0) return {};
  return std::to_string(ledger.icmp_errors_limited) + " ICMP errors kept back by icmp.errors_per_second\n";
}

std::string balance_text(const Ledger& ledger) {
  std::string text = std::to_string(ledger.received) + " received + " + std::to_string(ledger.generated) +
                     " generated = " + std::to_string(ledger.sent) + " sent";
  for (const Fate fate : kFates) text += " + " + std::to_string(ledger.total(fate)) + " " + std::string(name_of(fate));
  text += " + " + std::to_string(ledger.parked) + " parked: ";
  const std::int64_t missing = ledger.missing();
  if (missing == 0) return text + "balanced\n";
  return text + "NOT balanced: " +
         (missing > 0 ? std::to_string(missing) + " missing\n" : std::to_string(-missing) + " too many\n");
}

void add_ledger(Json& json, const Ledger& ledger) {
  Json ports = Json::object();
  for (const PortCount& port : ledger.ports) ports[port.name] = {{"received", port.received}, {"sent", port.sent}};
  json["received"] = ledger.received;
  json["generated"] = ledger.generated;
  json["sent"] = ledger.sent;
  for (const Fate fate : kFates) json[std::string(name_of(fate))] = causes_json(ledger, fate);
  json["parked"] = ledger.parked;
  json["balanced"] = ledger.balanced();
  json["ports"] = std::move(ports);
  json["steps"] = steps_json(ledger);
  json["security_associations"] = volumes_json(ledger.security_associations);
  json["local_sids"] = volumes_json(ledger.local_sids);
  json["audit_suppressed"] = ledger.audit_suppressed;
  json["icmp_errors_limited"] = ledger.icmp_errors_limited;
  json["ecn_anomalies"] = ledger.ecn_anomalies;
}

std::string printed(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

}  // namespace strata
