// What ended: how many for each cause, and what the last ones began with.
#include <algorithm>

#include "control/hex.hpp"
#include "control/ledger.hpp"
#include "control/log.hpp"
#include "control/show/view.hpp"

namespace strata::show {
namespace {

using Counts = std::array<std::uint64_t, kCauseCount>;

// Those that occurred: the most packets first among each fate's, as what is looked for is most often there.
std::vector<const CauseText*> seen_causes(const Counts& counts) {
  std::vector<const CauseText*> there;
  for (const CauseText& cause : kCauses)
    if (counts[static_cast<std::size_t>(cause.cause)] != 0) there.push_back(&cause);
  std::ranges::stable_sort(there, {}, [&](const CauseText* cause) {
    return std::pair(cause->fate, ~counts[static_cast<std::size_t>(cause->cause)]);
  });
  return there;
}

Json cause_row(const CauseText& cause, std::uint64_t packets, std::uint64_t rate) {
  return {{"cause", cause.name},   {"fate", name_of(cause.fate)},
          {"packets", packets},    {"rate", rate},
          {"why", cause.sentence}, {"source", cause.source.empty() ? Json(nullptr) : Json(cause.source)}};
}

struct Last {
  const CauseText* cause;
  unsigned worker;
  LastEnded::Packet packet;
};

// Of all workers as many as one of them keeps, the newest first.
void add_last(WorkerSet& workers, const CauseText& cause, std::vector<Last>& all) {
  std::vector<Last> of_cause;
  for (unsigned i = 0; i < workers.size(); ++i)
    for (const LastEnded::Packet& packet : workers.worker(i).ends().last().of(cause.cause))
      of_cause.push_back({&cause, i, packet});
  std::ranges::stable_sort(of_cause, std::ranges::greater(), [](const Last& last) { return last.packet.time_ns; });
  const auto kept = static_cast<std::ptrdiff_t>(std::min(of_cause.size(), LastEnded::kKept));
  all.insert(all.end(), of_cause.begin(), of_cause.begin() + kept);
}

Json last_row(const Gateway& gateway, const Last& last, bool with_payload) {
  const LastEnded::Packet& packet = last.packet;
  const std::size_t shown = with_payload ? packet.kept : packet.open;
  const auto since = std::chrono::steady_clock::now().time_since_epoch() - std::chrono::nanoseconds(packet.time_ns);
  const auto when = std::chrono::time_point_cast<std::chrono::system_clock::duration>(
      std::chrono::system_clock::now() - std::chrono::duration_cast<std::chrono::system_clock::duration>(since));
  const bool has_port = packet.port < gateway.config.ports.size();
  return {{"cause", last.cause->name},
          {"fate", strata::name_of(last.cause->fate)},
          {"why", last.cause->sentence},
          {"time", to_string(when)},
          {"age", std::chrono::duration<double>(since).count()},
          {"worker", last.worker},
          {"port", has_port ? Json(gateway.config.ports[packet.port].name) : Json(nullptr)},
          {"stage", packet.at != nullptr ? Json(packet.at->name) : Json(nullptr)},
          {"begins", packet.at != nullptr ? Json(strata::name_of(packet.at->begins)) : Json(nullptr)},
          {"length", packet.length},
          {"octets", hex_of({packet.octets.data(), shown})},
          {"withheld", packet.kept - shown}};
}

}  // namespace

Rows drops(const Gateway& gateway) {
  const Counts counts = count_causes(gateway.workers);
  const auto there = seen_causes(counts);
  return {there.size(), [&gateway, counts, there](std::size_t i) {
            const CauseText& cause = *there[i];
            return cause_row(cause, counts[static_cast<std::size_t>(cause.cause)], gateway.causes.rate(cause.cause));
          }};
}

Rows last_drops(const Gateway& gateway, bool with_payload) {
  std::vector<Last> all;
  for (const CauseText* cause : seen_causes(count_causes(gateway.workers))) add_last(gateway.workers, *cause, all);
  return {all.size(), [&gateway, all, with_payload](std::size_t i) { return last_row(gateway, all[i], with_payload); }};
}

}  // namespace strata::show
