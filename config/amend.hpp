// A configuration with some entries more, or fewer: what a running gateway is asked for one by one.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include <tl/expected.hpp>

#include "config/config.hpp"
#include "config/problem.hpp"

namespace strata::config {

// Both in the sections of a configuration file: neighbors, ipsec.security_associations, srv6.local_sids, srv6.policies,
// routes.
struct Amendment {
  nlohmann::json deleted = nlohmann::json::object();  // of each entry what it is known by: its name, SID, prefix...
  nlohmann::json added = nlohmann::json::object();    // entries as they would stand in the file
};

// First what is deleted goes, then comes what is added, judged as a file that has it all would be; but a key stands
// there itself and is no file's. Entries that are added have no mark. Errors: all mistakes, with no part of a key.
tl::expected<Config, std::vector<Problem>> amended(const Config& before, const Amendment& amendment);

}  // namespace strata::config
