// From tables to those that take their place: what becomes of the entries that both have. Each worker brings it about
// when it takes the new ones over, between two of its rounds.
#pragma once

#include <vector>

#include "dataplane/neighbor/path_mtu.hpp"
#include "dataplane/table/tables.hpp"

namespace strata {

// Each worker's own.
struct AdjacencyChange {
  AdjId<V4> id;
  enum class What : std::uint8_t { configured, gone } what;
  Adjacency as;  // configured
};

// What of an SA may be another while it stays the same SA. Its holder alone reads that, and so it writes it.
struct InboundChange {
  SaId sa;
  std::int16_t protocol;
  Ipv6Selectors selectors;
  wire::Ipv4Address destination;
};

struct OutboundChange {
  OutSaId sa;
  AdjId<V4> adj;
  std::uint8_t ttl;
  std::optional<std::uint8_t> dscp;
  DfMode df;
  std::uint16_t ip_id_turn;
  std::uint16_t ip_id_step;
};

struct TablesChange {
  Tables* tables = nullptr;       // that are taken over
  PathMtus* path_mtus = nullptr;  // of these
  std::vector<AdjacencyChange> adjacencies;
  std::vector<InboundChange> inbound;
  std::vector<OutboundChange> outbound;
};

}  // namespace strata
