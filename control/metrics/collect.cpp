#include "control/metrics/collect.hpp"

#include <rte_version.h>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include "config/describe.hpp"
#include "control/ledger.hpp"
#include "control/show/figures.hpp"

namespace strata::metrics {
namespace {

using show::Gateway;

double real(std::uint64_t value) { return static_cast<double>(value); }

void add_ports(Collection& all, const Gateway& gateway) {
  for (std::size_t i = 0; i < gateway.config.ports.size(); ++i) {
    const config::Port& port = gateway.config.ports[i];
    Device& device = gateway.devices[i];
    const DeviceCount count = device.count();
    const auto add = [&](Family family, double value) { all.add(family, value, {{"port", port.name}}); };
    const auto lose = [&](const char* reason, std::uint64_t packets) {
      all.add(Family::port_lost_packets, real(packets), {{"port", port.name}, {"reason", reason}});
    };
    add(Family::port_up, device.is_up() ? 1 : 0);
    add(Family::port_mtu, port.mtu);
    add(Family::port_received_packets, real(count.received));
    add(Family::port_received_bytes, real(count.received_octets));
    add(Family::port_sent_packets, real(count.sent));
    add(Family::port_sent_bytes, real(count.sent_octets));
    lose("missed", count.missed);
    lose("no_buffers", count.no_buffers);
    lose("bad", count.bad);
    lose("not_sent", count.not_sent);
  }
}

void add_workers(Collection& all, const Gateway& gateway) {
  const std::vector<std::uint64_t> sas = show::sas_of_workers(gateway);
  for (unsigned i = 0; i < gateway.workers.size(); ++i) {
    const auto add = [&](Family family, double value) { all.add(family, value, {{"worker", std::to_string(i)}}); };
    add(Family::worker_received_packets, real(show::received_by(gateway, i)));
    add(Family::worker_handed_over_packets, real(gateway.workers.worker(i).handed_over()));
    add(Family::worker_busy_seconds, std::chrono::duration<double>(gateway.threads.busy(i)).count());
    add(Family::worker_busy_ratio, i < gateway.busy.size() ? gateway.busy[i] : 0);
    add(Family::worker_sas, real(sas[i]));
    add(Family::worker_stands_still, gateway.pulse.stands(i) ? 1 : 0);
  }
}

void add_journey(Collection& all, const Gateway& gateway) {
  std::array<std::uint64_t, kStepNames.size()> steps{};
  std::uint64_t generated = 0;
  std::uint64_t limited = 0;
  std::uint64_t suppressed = 0;
  std::uint64_t anomalies = 0;
  for (unsigned i = 0; i < gateway.workers.size(); ++i) {
    Worker& worker = gateway.workers.worker(i);
    for (std::size_t step = 0; step < steps.size(); ++step) steps[step] += worker.steps().of(static_cast<Step>(step));
    generated += worker.ends().generated();
    limited += worker.icmp_counters().errors_limited;
    suppressed += worker.audit().suppressed();
    anomalies += worker.audit().ecn_anomalies();
  }
  for (std::size_t step = 0; step < steps.size(); ++step)
    all.add(Family::stage_packets, real(steps[step]), {{"stage", kStepNames[step]}});
  const auto causes = count_causes(gateway.workers);
  for (const CauseText& cause : kCauses)
    all.add(Family::cause_packets, real(causes[static_cast<std::size_t>(cause.cause)]),
            {{"cause", cause.name}, {"fate", name_of(cause.fate)}});
  all.add(Family::generated_packets, real(generated));
  all.add(Family::icmp_errors_limited, real(limited));
  all.add(Family::audit_suppressed, real(suppressed));
  all.add(Family::ecn_anomalies, real(anomalies));
}

// Nothing: it has no window, or has received nothing.
std::optional<double> window_fill(const Gateway& gateway, const config::SecurityAssociation& sa, std::uint32_t at) {
  if (sa.direction == config::Direction::out) return std::nullopt;
  const ReplayWindow& window = gateway.tables.sas[at].window;
  // In this order: what arrives in between does not make it more than full.
  const std::uint32_t filled = window.filled();
  const std::uint32_t covered = window.covered();
  if (covered == 0) return std::nullopt;
  return std::min(1.0, real(filled) / real(covered));
}

void add_sa(Collection& all, const Gateway& gateway, std::size_t i, const show::SaFigures& figures) {
  const config::SecurityAssociation& sa = gateway.config.security_associations[i];
  const std::string_view direction = config::to_string(sa.direction);
  const auto add = [&](Family family, double value) {
    all.add(family, value, {{"sa", sa.name}, {"direction", direction}});
  };
  const bool in = sa.direction == config::Direction::in;
  all.add(Family::sa_info, 1,
          {{"sa", sa.name},
           {"direction", direction},
           {"spi", spi_text(sa.spi)},
           {"peer", wire::to_string(in ? sa.source : sa.destination)},
           {"algorithm", config::to_string(sa.algorithm)}});
  add(Family::sa_packets, real(figures.packets));
  add(Family::sa_bytes, real(figures.octets));
  const std::chrono::duration<double> age = std::chrono::steady_clock::now() - gateway.places.since[i];
  add(Family::sa_age, age.count());
  if (const auto fill = window_fill(gateway, sa, gateway.places.sas[i])) add(Family::sa_window_fill, *fill);
  add(Family::sa_sequence_left, real(figures.left));
}

// All SAs of a direction together, also those that are gone.
struct Sum {
  std::uint64_t sas = 0;
  std::uint64_t packets = 0;
  std::uint64_t octets = 0;
  std::uint64_t left = std::numeric_limits<std::uint64_t>::max();
};

void add_sum(Collection& all, config::Direction direction, const Sum& sum) {
  const auto add = [&](Family family, std::uint64_t value) {
    all.add(family, real(value), {{"direction", config::to_string(direction)}});
  };
  add(Family::sas, sum.sas);
  add(Family::sas_packets, sum.packets);
  add(Family::sas_bytes, sum.octets);
  if (sum.sas != 0) add(Family::sas_sequence_left_min, sum.left);
}

void add_sas(Collection& all, const Gateway& gateway) {
  const auto& sas = gateway.config.security_associations;
  const std::size_t shown = std::min<std::size_t>(sas.size(), gateway.config.metrics.entries);
  Sum in{.packets = gateway.gone.inbound.packets, .octets = gateway.gone.inbound.octets};
  Sum out{.packets = gateway.gone.outbound.packets, .octets = gateway.gone.outbound.octets};
  for (std::size_t i = 0; i < sas.size(); ++i) {
    const std::uint32_t at = gateway.places.sas[i];
    const show::SaFigures figures = show::figures_of_sa(gateway, sas[i].direction, at);
    Sum& sum = sas[i].direction == config::Direction::in ? in : out;
    ++sum.sas;
    sum.packets += figures.packets;
    sum.octets += figures.octets;
    sum.left = std::min(sum.left, figures.left);
    if (i < shown) add_sa(all, gateway, i, figures);
  }
  add_sum(all, config::Direction::in, in);
  add_sum(all, config::Direction::out, out);
  all.add(Family::sas_without_series, real(sas.size() - shown));
}

void add_sids(Collection& all, const Gateway& gateway) {
  const auto& sids = gateway.config.local_sids;
  const std::size_t shown = std::min<std::size_t>(sids.size(), gateway.config.metrics.entries);
  for (std::size_t i = 0; i < shown; ++i) {
    const show::SidFigures figures = show::figures_of_sid(gateway, i);
    const auto add = [&](Family family, std::uint64_t value) {
      all.add(family, real(value),
              {{"sid", wire::to_string(sids[i].sid)}, {"behavior", config::to_string(sids[i].behavior)}});
    };
    add(Family::sid_packets, figures.packets);
    add(Family::sid_bytes, figures.octets);
  }
  all.add(Family::sids, real(sids.size()));
  all.add(Family::sids_without_series, real(sids.size() - shown));
}

}  // namespace

Families collect(const show::Gateway& gateway, const std::string& version, double started) {
  Collection all;
  all.add(Family::build_info, 1, {{"gateway", gateway.config.name}, {"version", version}, {"dpdk", rte_version()}});
  all.add(Family::start_time, started);
  add_ports(all, gateway);
  add_workers(all, gateway);
  add_journey(all, gateway);
  add_sas(all, gateway);
  add_sids(all, gateway);
  return std::move(all).take();
}

}  // namespace strata::metrics
