// Seals IPv6 packets with their outbound SA (RFC 4303 section 3.3, tunnel mode) and puts the outer headers before them.
#pragma once

#include "dataplane/ipsec/outbound_sa.hpp"
#include "dataplane/packet/ends.hpp"
#include "dataplane/packet/gate.hpp"
#include "dataplane/packet/straight.hpp"
#include "dataplane/table/adjacency.hpp"

namespace strata {

using EspSealEnds = EndsOf<Cause::esp_seq_exhausted, Cause::esp_not_reserved, Cause::esp_expired,
                           Cause::esp_seal_failed, Cause::ip4_no_route, Cause::adj_unresolved>;

// Lays packets out with all but what the cipher makes of them. To seal them all at once, afterwards, is faster than one
// by one: what was just written in small pieces the cipher reads as large ones, and each of these waits until the
// pieces have arrived in the cache.
struct EspLayOutStep {
  using stage_type = stage::Sr6Out;

  OutboundSaTable& sas;
  const AdjacencyTable& adjacencies;
  Burst<stage::Unsealed>& out;
  EspSealEnds ends;

  Done input(Packet<stage::Sr6Out> packet, const Row<stage::Sr6Out>& row) const;
};

struct EspCipherStep {
  using stage_type = stage::Unsealed;

  OutboundSaTable& sas;
  const AdjacencyTable& adjacencies;
  Aead& aead;
  Burst<stage::Out>& out;
  EspSealEnds ends;

  Done input(Packet<stage::Unsealed> packet, const Row<stage::Unsealed>& row) const;
  static OutSaId sa_of(const Row<stage::Unsealed>& row) { return row.sa; }
  // With thousands of SAs nothing of the next one's key is in a near cache.
  void ask(const Row<stage::Unsealed>& row, std::span<const std::uint8_t> bytes) const;
};

void esp_seal(Burst<stage::Sr6Out>& in, OutboundSaTable& sas, const AdjacencyTable& adjacencies, Aead& aead,
              Burst<stage::Out>& out, EspSealEnds ends);

}  // namespace strata
