#include "control/account.hpp"

namespace strata {
namespace {

void add_ports(Ledger& ledger, const config::Config& config, const Worker& worker) {
  for (std::size_t i = 0; i < config.ports.size(); ++i) {
    const PortId port(static_cast<std::uint8_t>(i));
    ledger.ports.push_back({config.ports[i].name, worker.received(port), worker.sent(port)});
    ledger.received += ledger.ports.back().received;
    ledger.sent += ledger.ports.back().sent;
  }
}

void add_volumes(Ledger& ledger, const config::Config& config, const Tables& tables, const Worker& worker) {
  std::size_t in = 0;
  std::size_t out = 0;
  for (const config::SecurityAssociation& of : config.security_associations) {
    if (of.direction == config::Direction::in) {
      ledger.security_associations.push_back({of.name, tables.sas[in].packets, tables.sas[in].octets});
      ++in;
    } else {
      ledger.security_associations.push_back({of.name, tables.out_sas[out].packets, tables.out_sas[out].octets});
      ++out;
    }
  }
  for (std::size_t i = 0; i < worker.sid_counters().size(); ++i) {
    const SidCounter& counter = worker.sid_counters()[i];
    ledger.local_sids.push_back({wire::to_string(config.local_sids[i].sid), counter.packets, counter.octets});
  }
}

}  // namespace

Ledger account_of(const config::Config& config, const Tables& tables, Worker& worker) {
  Ledger ledger;
  add_ports(ledger, config, worker);
  for (std::size_t i = 0; i < kCauseCount; ++i) ledger.causes[i] = worker.ends().count(static_cast<Cause>(i));
  for (std::size_t i = 0; i < kStepNames.size(); ++i)
    ledger.steps.push_back({kStepNames[i], worker.steps().of(static_cast<Step>(i))});
  add_volumes(ledger, config, tables, worker);
  ledger.generated = worker.ends().generated();
  ledger.parked = worker.parked();
  ledger.icmp_errors_limited = worker.icmp_counters().errors_limited;
  ledger.audit_suppressed = worker.audit().suppressed();
  ledger.ecn_anomalies = worker.audit().ecn_anomalies();
  return ledger;
}

std::string audit_text(const config::Config& config, const AuditEvent& event) {
  std::string text =
      "audit " + std::string(text_of(event.cause).name) + ": port " + config.ports[event.from.port.index()].name;
  if (event.spi) text += ", SPI " + spi_text(*event.spi);
  if (event.inner)
    return text + ", " + wire::to_string(event.inner->source) + " > " + wire::to_string(event.inner->destination);
  text += ", " + wire::to_string(event.source) + " > " + wire::to_string(event.destination);
  return event.sequence ? text + ", sequence " + std::to_string(*event.sequence) : text;
}

}  // namespace strata
