// The way out that follows from a configuration: which outbound SA seals what a policy makes, and which neighbor leads
// to a peer. The tables and the arithmetic of the MTU ask here alone.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "config/config.hpp"

namespace strata::config {

struct NextHop {
  const Port* port;
  wire::Ipv4Address address;
};

class Steering {
 public:
  // config stays where it is, and as it is, while this is used.
  explicit Steering(const Config& config);

  // The SA whose selectors take what the policy makes: from our source to the first segment, IPv4 inside. nullptr:
  // there is none.
  [[nodiscard]] const SecurityAssociation* sa_of(const Policy& policy) const;

  // The peer itself on a link of ours, or the next hop of the longest route. Nothing: there is no way.
  [[nodiscard]] std::optional<NextHop> towards(wire::Ipv4Address peer) const;

 private:
  struct Way {
    wire::Ipv4Prefix prefix;
    const std::string* port;
    std::optional<wire::Ipv4Address> next_hop;  // nothing: whoever is looked for is on the link
  };

  const Config* config_;
  // By the first address of their destination selector. Selectors of two outbound SAs do not overlap, so that of these,
  // which agree in all else, the destinations do not.
  std::map<wire::Ipv6Address, const SecurityAssociation*> sas_;
  std::vector<Way> ways_;  // by prefix, each once
};

}  // namespace strata::config
