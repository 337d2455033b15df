// Seals IPv6 packets with their outbound SA (RFC 4303 section 3.3, tunnel mode) and puts the outer headers before them.
#pragma once

#include "dataplane/ipsec/outbound_sa.hpp"
#include "dataplane/packet/ends.hpp"
#include "dataplane/packet/gate.hpp"
#include "dataplane/table/adjacency.hpp"

namespace strata {

using EspSealEnds = EndsOf<Cause::esp_seq_exhausted, Cause::esp_not_reserved, Cause::esp_seal_failed,
                           Cause::ip4_no_route, Cause::adj_unresolved>;

void esp_seal(Burst<stage::Sr6Out>& in, OutboundSaTable& sas, const AdjacencyTable& adjacencies, Aead& aead,
              AeadBatch& batch, Burst<stage::Out>& out, EspSealEnds ends);

}  // namespace strata
