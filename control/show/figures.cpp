#include "control/show/figures.hpp"

#include <limits>

namespace strata::show {

SaFigures figures_of_sa(const Gateway& gateway, config::Direction direction, std::uint32_t at) {
  if (direction == config::Direction::in) {
    const InboundSa& sa = gateway.tables.sas[at];
    const std::uint64_t last =
        sa.esn ? std::numeric_limits<std::uint64_t>::max() : std::numeric_limits<std::uint32_t>::max();
    const std::uint64_t top = sa.window.top();
    return {sa.packets, sa.octets, top, last - top, gateway.workers.owner({SaRef::Direction::in, at})};
  }
  const OutboundSa& sa = gateway.tables.out_sas[at];
  const std::uint64_t sent = sa.sequence;
  const std::uint64_t left =
      sa.last_number() - std::min(sent, sa.last_number());  // its key may have been beyond, with ESN
  return {sa.packets, sa.octets, sent, left, gateway.workers.owner({SaRef::Direction::out, at})};
}

SidFigures figures_of_sid(const Gateway& gateway, std::size_t sid) {
  SidFigures all;
  for (unsigned worker = 0; worker < gateway.workers.size(); ++worker) {
    const auto& counter = gateway.workers.worker(worker).sid_counters()[gateway.places.sids[sid]];
    all.packets += counter.packets;
    all.octets += counter.octets;
  }
  return all;
}

std::uint64_t received_by(const Gateway& gateway, unsigned worker) {
  std::uint64_t received = 0;
  for (std::size_t port = 0; port < gateway.config.ports.size(); ++port)
    received += gateway.workers.worker(worker).received(PortId(static_cast<std::uint8_t>(port)));
  return received;
}

std::vector<std::uint64_t> sas_of_workers(const Gateway& gateway) {
  std::vector<std::uint64_t> counts(gateway.workers.size());
  for (std::size_t i = 0; i < gateway.places.sas.size(); ++i) {
    const bool opens = gateway.config.security_associations[i].direction == config::Direction::in;
    const SaRef::Direction direction = opens ? SaRef::Direction::in : SaRef::Direction::out;
    ++counts[gateway.workers.owner({direction, gateway.places.sas[i]}).index()];
  }
  return counts;
}

}  // namespace strata::show
