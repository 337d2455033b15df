// Which SAs go to another worker when one has much more to do than another.
#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/worker_set.hpp"

namespace strata {

// What an SA cost since it was last looked at, in any unit that adds up.
struct SaLoad {
  SaRef sa;
  WorkerId owner;
  std::uint64_t load;
};

struct Relief {
  WorkerId from;
  WorkerId to;
};

// busy: of each worker, the share of the time in which it had packets, 0 to 1. Nothing: they are much alike, or nobody
// has much to do.
std::optional<Relief> relief_of(const std::vector<double>& busy);

// Those that bring the two halfway together, as near as it goes; the largest first. One that is by itself more than
// that stays: elsewhere it would be as much too much.
std::vector<SaRef> sas_to_move(const std::vector<double>& busy, const Relief& relief, std::vector<SaLoad> sas);

// Looks each time that it is asked to, and moves what is to move.
class Rebalancer {
 public:
  // tables, set: outlive it. A set of workers that all go round.
  Rebalancer(const Tables& tables, WorkerSet& set);

  // busy: as above, since the last time. Returns how many SAs were moved; nothing: a worker was not waited for
  // (WorkerSet::move).
  std::optional<std::size_t> look(const std::vector<double>& busy, const WorkerSet::Patience& patience = nullptr);

 private:
  std::vector<SaLoad> loads();

  const Tables& tables_;
  WorkerSet& set_;
  std::vector<std::uint64_t> before_;  // octets of the inbound SAs, then of the outbound ones, as they were last seen
  bool seen_lately_ = false;
};

}  // namespace strata
