// From a configuration to the tables that workers read.
#pragma once

#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "config/config.hpp"
#include "control/gone_windows.hpp"
#include "control/places.hpp"
#include "dataplane/table/tables_change.hpp"

namespace strata {

struct Built {
  std::unique_ptr<Tables> tables;
  Places places;
};

// macs: of the ports in the configuration's order; where it says none, the device's. Errors: memory, in one sentence.
tl::expected<Built, std::string> build(const config::Config& config, const std::vector<wire::MacAddress>& macs);
tl::expected<std::unique_ptr<Tables>, std::string> build_tables(const config::Config& config,
                                                                const std::vector<wire::MacAddress>& macs);

// What workers go by.
struct InForce {
  const config::Config& config;
  const Tables& tables;
  const Places& places;
  const GoneWindows& gone;
};

// Tables beside those in force, with which they share the SAs and the adjacencies.
struct Rebuilt {
  std::unique_ptr<Tables> tables;
  Places places;
  TablesChange change;  // but for the path MTUs
  std::vector<std::pair<PolicyId, PolicyId>> same_policies;
  std::vector<std::size_t> new_sas;  // of the configuration
  // Of the configuration in force:
  std::vector<std::size_t> gone_sas;
  std::vector<std::size_t> gone_sids;
};

// config: differs by nothing that is refused (config/difference.hpp). Errors: no room or no memory, in one sentence;
// the tables in force are as before.
tl::expected<Rebuilt, std::string> rebuild(const config::Config& config, const std::vector<wire::MacAddress>& macs,
                                           const InForce& before);

// Of SAs of a configuration that nobody refers to any more: the inbound ones' windows, for when they come back.
void note_windows(const config::Config& config, const Places& places, const std::vector<std::size_t>& sas,
                  const Tables& tables, GoneWindows& gone);

// SAs of a configuration that nobody refers to, or nobody any more: their keys do not stay.
void retire_sas(const config::Config& config, const Places& places, const std::vector<std::size_t>& sas,
                Tables& tables);

AeadAlgorithm algorithm_of(config::Algorithm algorithm);

// Buffers that a worker keeps at the most until a neighbor answers or a datagram is whole.
unsigned waiting_buffers(const config::Config& config);

}  // namespace strata
