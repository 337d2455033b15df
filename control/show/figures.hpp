// What tables and workers have counted of one thing, for whoever shows it: tables, metrics.
#pragma once

#include <cstdint>
#include <vector>

#include "control/show/view.hpp"

namespace strata::show {

struct SaFigures {
  std::uint64_t packets;
  std::uint64_t octets;
  std::uint64_t sequence;
  std::uint64_t left;  // numbers
  WorkerId worker;
};

// at: its place among those of its direction.
SaFigures figures_of_sa(const Gateway& gateway, config::Direction direction, std::uint32_t at);

struct SidFigures {
  std::uint64_t packets = 0;
  std::uint64_t octets = 0;
};

SidFigures figures_of_sid(const Gateway& gateway, std::size_t sid);

// By all queues of a worker.
std::uint64_t received_by(const Gateway& gateway, unsigned worker);

// How many SAs each worker has.
std::vector<std::uint64_t> sas_of_workers(const Gateway& gateway);

}  // namespace strata::show
