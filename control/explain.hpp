// What a place of the journey knows of a packet, in words: for --explain and for `strata trace`.
#pragma once

#include <string>
#include <vector>

#include "config/config.hpp"
#include "dataplane/packet/stage.hpp"
#include "dataplane/table/tables.hpp"

namespace strata {

class Teller {
 public:
  // config, tables: outlive this.
  Teller(const config::Config& config, const Tables& tables);

  // From any thread. Empty: there is nothing to say.
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
  const config::Config& config_;
  const Tables& tables_;
  std::vector<std::string> sa_names_;      // by SaId
  std::vector<std::string> out_sa_names_;  // by OutSaId
};

}  // namespace strata
