// What a configuration means, for a person and for a program. Keys are never in it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "config/config.hpp"
#include "config/mtu.hpp"

namespace strata::config {

// What `strata check` prints: each section in words, and the journeys that follow from it.
std::string describe(const Config& config);

// The same facts with the configuration's own names; numbers as numbers, addresses as text.
nlohmann::json describe_json(const Config& config);
nlohmann::json describe_json(const InnerMtu& mtu);
nlohmann::json describe_json(const Port& port);
nlohmann::json describe_json(const Neighbor& of);
nlohmann::json describe_json(const SecurityAssociation& sa);
nlohmann::json describe_json(const LocalSid& sid);
nlohmann::json describe_json(const Policy& policy);  // without its MTU, which others have their part in
nlohmann::json describe_json(const Route& route);
nlohmann::json describe_json(const Bypass& rule);
// Of describe_json(config), what is in no list of entries.
nlohmann::json settings_json(const Config& config);

// "http://127.0.0.1:14500/metrics"
std::string metrics_url(const Metrics& metrics);

std::string_view to_string(Side side);
std::string_view to_string(Direction direction);
std::string_view to_string(Algorithm algorithm);
std::string_view to_string(Behavior behavior);
std::string_view to_string(EncapMode mode);
std::string_view to_string(DfMode df);
std::string_view to_string(Hugepages hugepages);

}  // namespace strata::config
