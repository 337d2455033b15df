// What workers and their tables counted, all together, by the configuration's names.
#pragma once

#include "config/config.hpp"
#include "control/journal.hpp"
#include "control/ledger.hpp"
#include "control/places.hpp"
#include "dataplane/worker.hpp"

namespace strata {

// Balanced if none of them is at work meanwhile.
Ledger account_of(const config::Config& config, const Places& places, const Tables& tables,
                  const std::vector<Worker*>& workers);

// "audit esp.replayed: port wan, SPI 0x1001, 192.0.2.2 > 192.0.2.1, sequence 7": RFC 4303 asks for these to be told.
std::string audit_text(const config::Config& config, const AuditEvent& event);
// The same for a program: CAUSE, PORT, SPI, SOURCE, DESTINATION, SEQUENCE.
LogFields audit_fields(const config::Config& config, const AuditEvent& event);

}  // namespace strata
