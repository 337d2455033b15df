#include "control/metrics/families.hpp"

#include <algorithm>
#include <utility>

namespace strata::metrics {
namespace {

// clang-format off
constexpr std::array kFamilies{
    FamilyText{"strata_build_info", Type::Gauge, "gateway,version,dpdk", "Always 1: the gateway's name, and which strata and DPDK it is."},
    FamilyText{"strata_start_time_seconds", Type::Gauge, "", "When the ports were started, since 1970-01-01 UTC. All counters begin there."},

    FamilyText{"strata_port_up", Type::Gauge, "port", "1: the port has a link; looked at each second."},
    FamilyText{"strata_port_mtu_bytes", Type::Gauge, "port", "The largest IP packet."},
    FamilyText{"strata_port_received_packets_total", Type::Counter, "port", "Packets received, as the device counts them."},
    FamilyText{"strata_port_received_bytes_total", Type::Counter, "port", "Octets of their frames; some virtual devices do not count them."},
    FamilyText{"strata_port_sent_packets_total", Type::Counter, "port", "Packets sent, as the device counts them."},
    FamilyText{"strata_port_sent_bytes_total", Type::Counter, "port", "Octets of their frames; some virtual devices do not count them."},
    FamilyText{"strata_port_lost_packets_total", Type::Counter, "port,reason", "Packets lost by the device, which no worker has seen: missed (no free descriptor), no_buffers, bad (a broken frame); or not_sent, which the device was given."},

    FamilyText{"strata_worker_received_packets_total", Type::Counter, "worker", "Packets that a worker took from its queues."},
    FamilyText{"strata_worker_handed_over_packets_total", Type::Counter, "worker", "Packets that it handed over to other workers."},
    FamilyText{"strata_worker_busy_seconds_total", Type::Counter, "worker", "Time in rounds that had packets."},
    FamilyText{"strata_worker_busy_ratio", Type::Gauge, "worker", "The same as a share of the last second: 0 to 1."},
    FamilyText{"strata_worker_sas", Type::Gauge, "worker", "SAs that it opens or seals for."},
    FamilyText{"strata_worker_stands_still", Type::Gauge, "worker", "1: the worker made no round in the last second, and nothing that is its own goes on; looked at each second."},

    FamilyText{"strata_stage_packets_total", Type::Counter, "stage", "Packets that a step of the journey took (journey.md)."},
    FamilyText{"strata_cause_packets_total", Type::Counter, "cause,fate", "Packets that ended for a cause (drop-reasons.md); fate: dropped, consumed or punted."},
    FamilyText{"strata_generated_packets_total", Type::Counter, "", "Packets that began in the gateway: ARP, ICMP, fragments."},
    FamilyText{"strata_icmp_errors_limited_total", Type::Counter, "", "ICMP errors kept back by icmp.errors_per_second."},
    FamilyText{"strata_audit_suppressed_total", Type::Counter, "", "Audit events that are not in the log, as there were too many."},
    FamilyText{"strata_ecn_anomalies_total", Type::Counter, "", "ECN marks that no honest path makes, forwarded all the same (RFC 6040 section 4.2)."},

    FamilyText{"strata_sa_info", Type::Gauge, "sa,direction,spi,peer,algorithm", "Always 1: what an SA is."},
    FamilyText{"strata_sa_packets_total", Type::Counter, "sa,direction", "Packets opened and passed on (direction in), or sealed (out)."},
    FamilyText{"strata_sa_bytes_total", Type::Counter, "sa,direction", "Octets of the IPv6 packets in them."},
    FamilyText{"strata_sa_age_seconds", Type::Gauge, "sa,direction", "Since when this gateway has the SA."},
    FamilyText{"strata_sa_window_fill_ratio", Type::Gauge, "sa,direction", "Share of the sequence numbers in the replay window that have arrived: 1 without loss; outbound SAs, those without a window and those that have received nothing have none."},
    FamilyText{"strata_sa_sequence_left", Type::Gauge, "sa,direction", "Sequence numbers left before the SA needs a new key."},

    FamilyText{"strata_sas", Type::Gauge, "direction", "How many SAs there are."},
    FamilyText{"strata_sas_packets_total", Type::Counter, "direction", "strata_sa_packets_total over all SAs, also those without series of their own and those that are gone."},
    FamilyText{"strata_sas_bytes_total", Type::Counter, "direction", "strata_sa_bytes_total over all SAs, as above."},
    FamilyText{"strata_sas_sequence_left_min", Type::Gauge, "direction", "strata_sa_sequence_left of the SA that has the fewest."},
    FamilyText{"strata_sas_without_series", Type::Gauge, "", "SAs beyond metrics.entries, which have no series of their own."},

    FamilyText{"strata_sid_packets_total", Type::Counter, "sid,behavior", "Packets to a local SID that went well (RFC 8986 section 6)."},
    FamilyText{"strata_sid_bytes_total", Type::Counter, "sid,behavior", "Octets of these IPv6 packets (RFC 8986 section 6)."},
    FamilyText{"strata_sids", Type::Gauge, "", "How many local SIDs there are."},
    FamilyText{"strata_sids_without_series", Type::Gauge, "", "Local SIDs beyond metrics.entries, which have no series of their own."},
};
// clang-format on
static_assert(kFamilies.size() == static_cast<std::size_t>(Family::count_));

std::string code(std::string_view text) { return "`" + std::string(text) + "`"; }

std::string labels_text(std::string_view labels) {
  std::string text;
  while (!labels.empty()) {
    const std::size_t end = std::min(labels.find(','), labels.size());
    text += (text.empty() ? "" : ", ") + code(labels.substr(0, end));
    labels.remove_prefix(std::min(end + 1, labels.size()));
  }
  return text;
}

}  // namespace

const FamilyText& text_of(Family family) { return kFamilies[static_cast<std::size_t>(family)]; }

std::string reference_markdown() {
  std::string text = "| name | type | labels | |\n|---|---|---|---|\n";
  for (const FamilyText& family : kFamilies)
    text += "| " + code(family.name) + " | " + (family.type == Type::Counter ? "counter" : "gauge") + " | " +
            labels_text(family.labels) + " | " + std::string(family.help) + " |\n";
  return text;
}

Collection::Collection() {
  for (const FamilyText& text : kFamilies)
    families_.push_back({std::string(text.name), std::string(text.help), text.type, {}});
}

void Collection::add(Family family, double value, Labels labels) {
  prometheus::ClientMetric metric;
  for (const Label& label : labels) metric.label.push_back({std::string(label.name), std::string(label.value)});
  // A family is one or the other; who writes it takes what it is.
  metric.counter.value = value;
  metric.gauge.value = value;
  families_[static_cast<std::size_t>(family)].metric.push_back(std::move(metric));
}

}  // namespace strata::metrics
