// What a place of the journey knows of a packet, in words: for --explain and for `strata trace`.
#pragma once

#include <string>
#include <vector>

#include "config/config.hpp"
#include "control/places.hpp"
#include "dataplane/packet/stage.hpp"
#include "dataplane/table/tables.hpp"

namespace strata {

// What a configuration calls that which its tables know by number.
class Names {
 public:
  // config: outlives this.
  Names(const config::Config& config, const Places& places);

  const std::string& port(PortId id) const { return config_.ports[id.index()].name; }
  const std::string& policy(PolicyId id) const { return config_.policies[id.index()].name; }
  // Of an SA that a reload has taken away, packets may still be on their way.
  const std::string& sa(SaId id) const { return in(sas_, id.index()); }
  const std::string& sa(OutSaId id) const { return in(out_sas_, id.index()); }

 private:
  static const std::string& in(const std::vector<std::string>& names, std::size_t place);

  const config::Config& config_;
  std::vector<std::string> sas_;      // by SaId
  std::vector<std::string> out_sas_;  // by OutSaId
};

class Teller {
 public:
  // All outlive this. tables, adjacencies: what the worker goes by whose packets they are.
  Teller(const Names& names, const Tables& tables, const AdjacencyTable& adjacencies)
      : names_(names), tables_(tables), adjacencies_(adjacencies) {}

  // In that worker's thread. Empty: there is nothing to say.
  std::string tell(const Row<stage::Frame>& row, wire::Bytes bytes) const;
  std::string tell(const Row<stage::Host>& row, wire::Bytes bytes) const;
  std::string tell(const Row<stage::EspIn>& row, wire::Bytes bytes) const;
  std::string tell(const Row<stage::Ip6>& row, wire::Bytes bytes) const;
  std::string tell(const Row<stage::Sr6>& row, wire::Bytes bytes) const;
  std::string tell(const Row<stage::Ip4>& row, wire::Bytes bytes) const;
  std::string tell(const Row<stage::Steered>& row, wire::Bytes bytes) const;
  std::string tell(const Row<stage::Sr6Out>& row, wire::Bytes bytes) const;
  std::string tell(const Row<stage::Out>& row, wire::Bytes bytes) const;
  std::string tell(const Row<stage::Arp>& row, wire::Bytes bytes) const;
  std::string tell(const Row<stage::Fragment>& row, wire::Bytes bytes) const;
  std::string tell(const Row<stage::Local>& row, wire::Bytes bytes) const;
  std::string tell(const Row<stage::Unresolved>& row, wire::Bytes bytes) const;
  std::string tell(const Row<stage::Oversize>& row, wire::Bytes bytes) const;
  std::string tell(const Row<stage::Refused>& row, wire::Bytes bytes) const;
  std::string tell(const Row<stage::Made>& row, wire::Bytes bytes) const;

 private:
  const Names& names_;
  const Tables& tables_;
  const AdjacencyTable& adjacencies_;
};

}  // namespace strata
