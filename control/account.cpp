#include "control/account.hpp"

namespace strata {
namespace {

using Workers = std::vector<Worker*>;

void add_ports(Ledger& ledger, const config::Config& config, const Workers& workers) {
  for (std::size_t i = 0; i < config.ports.size(); ++i) {
    const PortId port(static_cast<std::uint8_t>(i));
    PortCount count{.name = config.ports[i].name};
    for (const Worker* worker : workers) {
      count.received += worker->received(port);
      count.sent += worker->sent(port);
    }
    ledger.received += count.received;
    ledger.sent += count.sent;
    ledger.ports.push_back(std::move(count));
  }
}

void add_volumes(Ledger& ledger, const config::Config& config, const Places& places, const Tables& tables,
                 const Workers& workers) {
  for (std::size_t i = 0; i < config.security_associations.size(); ++i) {
    const config::SecurityAssociation& of = config.security_associations[i];
    const std::uint32_t at = places.sas[i];
    if (of.direction == config::Direction::in)
      ledger.security_associations.push_back({of.name, tables.sas[at].packets, tables.sas[at].octets});
    else
      ledger.security_associations.push_back({of.name, tables.out_sas[at].packets, tables.out_sas[at].octets});
  }
  for (std::size_t i = 0; i < config.local_sids.size(); ++i) {
    Volume volume{.name = wire::to_string(config.local_sids[i].sid)};
    for (const Worker* worker : workers) {
      const SidCounter& counter = worker->sid_counters()[places.sids[i]];
      volume.packets += counter.packets;
      volume.octets += counter.octets;
    }
    ledger.local_sids.push_back(std::move(volume));
  }
}

void add_steps(Ledger& ledger, const Workers& workers) {
  for (std::size_t i = 0; i < kStepNames.size(); ++i) {
    ledger.steps.push_back({kStepNames[i], 0});
    for (const Worker* worker : workers) ledger.steps.back().packets += worker->steps().of(static_cast<Step>(i));
  }
}

void add_ends(Ledger& ledger, Worker& worker) {
  for (std::size_t i = 0; i < kCauseCount; ++i) ledger.causes[i] += worker.ends().count(static_cast<Cause>(i));
  ledger.generated += worker.ends().generated();
  ledger.parked += worker.parked();
  ledger.icmp_errors_limited += worker.icmp_counters().errors_limited;
  ledger.audit_suppressed += worker.audit().suppressed();
  ledger.ecn_anomalies += worker.audit().ecn_anomalies();
}

}  // namespace

Ledger account_of(const config::Config& config, const Places& places, const Tables& tables,
                  const std::vector<Worker*>& workers) {
  Ledger ledger;
  add_ports(ledger, config, workers);
  add_steps(ledger, workers);
  add_volumes(ledger, config, places, tables, workers);
  for (Worker* worker : workers) add_ends(ledger, *worker);
  return ledger;
}

std::string audit_text(const config::Config& config, const AuditEvent& event) {
  std::string text =
      "audit " + std::string(text_of(event.cause).name) + ": port " + config.ports[event.from.port().index()].name;
  if (event.spi) text += ", SPI " + spi_text(*event.spi);
  if (event.inner)
    return text + ", " + wire::to_string(event.inner->source) + " > " + wire::to_string(event.inner->destination);
  text += ", " + wire::to_string(event.source) + " > " + wire::to_string(event.destination);
  return event.sequence ? text + ", sequence " + std::to_string(*event.sequence) : text;
}

LogFields audit_fields(const config::Config& config, const AuditEvent& event) {
  LogFields fields{{"PRIORITY", kNoticePriority},
                   {"CAUSE", std::string(text_of(event.cause).name)},
                   {"PORT", config.ports[event.from.port().index()].name}};
  if (event.spi) fields.emplace_back("SPI", spi_text(*event.spi));
  fields.emplace_back("SOURCE", event.inner ? wire::to_string(event.inner->source) : wire::to_string(event.source));
  fields.emplace_back("DESTINATION",
                      event.inner ? wire::to_string(event.inner->destination) : wire::to_string(event.destination));
  if (event.sequence && !event.inner) fields.emplace_back("SEQUENCE", std::to_string(*event.sequence));
  return fields;
}

}  // namespace strata
