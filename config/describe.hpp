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
