// Opens ESP (RFC 4303 section 3.4) for a whole burst: what is wrong on its face goes, the cipher works through the rest
// in one go, and then each packet is judged in the order it came.
#pragma once

#include "dataplane/ipsec/audit.hpp"
#include "dataplane/ipsec/security_association.hpp"
#include "dataplane/packet/ends.hpp"
#include "dataplane/packet/gate.hpp"

namespace strata {

using EspOpenEnds = EndsOf<Cause::esp_truncated, Cause::esp_bad_length, Cause::esp_seq_zero, Cause::esp_replayed,
                           Cause::esp_replay_too_old, Cause::esp_auth_failed, Cause::esp_bad_pad, Cause::esp_dummy,
                           Cause::esp_next_header>;

// What a burst needs while it is being opened; one for each worker, reused.
struct EspOpenScratch {
  AeadBatch batch;
  std::array<std::uint64_t, kBurstSize> sequences;  // by place in the burst, all 64 bits
};

void esp_open(Burst<stage::EspIn>& in, SaTable& sas, Aead& aead, EspOpenScratch& scratch, Audit& audit,
              Burst<stage::Ip6>& ip6, EspOpenEnds ends);

}  // namespace strata
