// Tells a packet's sender by ICMP why it does not go on (RFC 792; RFC 1812 section 4.3 for when, and what it looks
// like).
#pragma once

#include "dataplane/packet/ends.hpp"
#include "dataplane/packet/gate.hpp"
#include "dataplane/relaxed.hpp"
#include "dataplane/table/tables.hpp"

namespace strata {

using IcmpErrorEnds = EndsOf<Cause::ip4_no_route, Cause::ip4_ttl_exceeded, Cause::ip4_too_big, Cause::adj_unresolved,
                             Cause::local_no_port, Cause::local_no_protocol>;
static_assert(std::is_same_v<IcmpErrorEnds::cause_type, RefusedCause>);

// RFC 1812 section 4.3.2.8: a token bucket. One worker's.
class IcmpLimit {
 public:
  explicit IcmpLimit(const IcmpSettings& settings)
      : per_second_(settings.errors_per_second), burst_(settings.burst), tokens_(settings.burst * kSecond) {}

  bool allow(std::uint64_t now_ns) {
    if (per_second_ == 0) return false;
    if (now_ns > last_ns_) {
      const std::uint64_t idle = now_ns - last_ns_;
      const std::uint64_t full = burst_ * kSecond;
      // What fills the bucket in any case needs no product, which might not fit.
      tokens_ = idle >= full / per_second_ ? full : std::min(full, tokens_ + idle * per_second_);
      last_ns_ = now_ns;
    }
    if (tokens_ < kSecond) return false;
    tokens_ -= kSecond;
    return true;
  }

 private:
  static constexpr std::uint64_t kSecond = 1'000'000'000;  // tokens in units of 1e-9
  std::uint64_t per_second_;
  std::uint64_t burst_;
  std::uint64_t tokens_;
  std::uint64_t last_ns_ = 0;
};

// One for what came in clear on either side, and one for what came out of SAs: nobody takes the errors of others away.
class IcmpLimits {
 public:
  explicit IcmpLimits(const IcmpSettings& settings)
      : limits_{IcmpLimit(settings), IcmpLimit(settings), IcmpLimit(settings)} {}
  IcmpLimit& of(const Origin& from) {
    if (!from.sa().is_none()) return limits_[2];
    return limits_[from.side() == Side::unprotected_side ? 1 : 0];
  }

 private:
  std::array<IcmpLimit, 3> limits_;
};

struct IcmpCounters {
  Relaxed<std::uint64_t> errors_sent = 0;
  Relaxed<std::uint64_t> errors_limited = 0;  // kept back by the limit
};

void icmp_error(Burst<stage::Refused>& in, const Tables& tables, IcmpLimits& limits, IcmpCounters& counters,
                std::uint64_t now_ns, Burst<stage::Made>& made, IcmpErrorEnds ends);

}  // namespace strata
