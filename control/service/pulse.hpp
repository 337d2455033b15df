// Whether each worker goes round.
#pragma once

#include <cstdint>
#include <vector>

namespace strata {

class Pulse {
 public:
  // rounds: by worker, how many each has made so far; looked at now and then, at times far enough apart that every
  // worker that is well has made one meanwhile.
  void look(const std::vector<std::uint64_t>& rounds);

  bool all_go_round() const { return still_ == 0; }
  // Whether it made no round between the last two looks.
  bool stands(unsigned worker) const { return worker < stands_.size() && stands_[worker]; }
  // By worker; since the last look but one, and no longer.
  const std::vector<unsigned>& stopped() const { return stopped_; }
  const std::vector<unsigned>& resumed() const { return resumed_; }

 private:
  std::vector<std::uint64_t> before_;  // empty: not looked yet
  std::vector<bool> stands_;
  unsigned still_ = 0;
  std::vector<unsigned> stopped_;
  std::vector<unsigned> resumed_;
};

}  // namespace strata
