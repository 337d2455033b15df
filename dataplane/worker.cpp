#include "dataplane/worker.hpp"

namespace strata {

tl::expected<std::unique_ptr<Worker>, std::string> Worker::create(Tables& tables,
                                                                  std::array<std::uint16_t, kMaxPorts> devices,
                                                                  const Pool& pool) {
  std::optional<Aead> aead = Aead::create();
  if (!aead) {
    return tl::unexpected(
        std::string("intel-ipsec-mb does not run on this CPU: it needs SSE4.2, AES-NI and PCLMULQDQ"));
  }
  auto neighbors = Neighbors::create(tables.adjacencies, tables.neighbors);
  if (!neighbors) return tl::unexpected(std::move(neighbors.error()));
  auto reassembly = Reassembly::create(tables.reassembly, Maker(pool));
  if (!reassembly) return tl::unexpected(std::move(reassembly.error()));
  return std::unique_ptr<Worker>(
      new Worker(tables, devices, pool, std::move(*aead), std::move(*neighbors), std::move(*reassembly)));
}

Worker::Worker(Tables& tables, std::array<std::uint16_t, kMaxPorts> devices, const Pool& pool, Aead aead,
               Neighbors neighbors, std::unique_ptr<Reassembly> reassembly)
    : tables_(tables),
      maker_(pool),
      aead_(std::move(aead)),
      neighbors_(std::move(neighbors)),
      path_mtus_(tables),
      held_(neighbors_.capacity(), tables.neighbors.hold),
      reassembly_(std::move(reassembly)),
      icmp_limits_(tables.icmp),
      sid_counters_(tables.sids.size()),
      devices_(devices) {}

void Worker::tick(std::uint64_t now_ns) {
  audit_.set_time(now_ns);
  reassembly_->expire(now_ns, ReassembleEnds(ends_));
  if (now_ns >= path_mtus_.next_due()) path_mtus_.expire(now_ns);
  if (now_ns >= neighbors_.next_due()) round_of_neighbors(now_ns);
  ends_.flush();
}

void Worker::round_of_neighbors(std::uint64_t now_ns) {
  neighbors_.start_round();
  while (const auto event = neighbors_.next_event(now_ns)) {
    if (event->what == Neighbors::What::ask)
      ask(event->id);
    else
      give_up_on(event->id, now_ns);
  }
}

void Worker::ask(AdjId<V4> neighbor) {
  const ArpRequest request = arp_request(tables_, neighbor);
  (void)maker_.frame(request.frame, request.port, out_, ends_);  // without a buffer: asked again in time
  transmit();
}

// The packets that waited for those that were heard of.
void Worker::wake(const Heard& heard, std::uint64_t now_ns) {
  NoEye blind;
  for (std::size_t i = 0; i < heard.size(); ++i) {
    held_.take(heard[i], waited_, ends_);
    if (waited_.empty()) continue;
    steps_.note(Step::resume, waited_);
    resume(waited_, ip4_, made_);
    forward(now_ns, blind);
  }
}

void Worker::give_up_on(AdjId<V4> neighbor, std::uint64_t now_ns) {
  held_.take(neighbor, waited_, ends_);
  neighbors_.forget(neighbor);
  if (waited_.empty()) return;
  NoEye blind;
  steps_.note(Step::give_up, waited_);
  give_up(waited_, refused_, ResumeEnds(ends_));
  forward(now_ns, blind);
}

void Worker::announce(PortId port) {
  if (!tables_.neighbors.enabled) return;
  for (const wire::Ipv4Prefix& own : tables_.ports[port.index()].addresses) {
    const ArpRequest announcement = arp_announcement(tables_, port, own.address);
    (void)maker_.frame(announcement.frame, port, out_, ends_);
    transmit();
  }
}

void Worker::finish() {
  for (std::uint32_t i = 0; i < neighbors_.capacity(); ++i) {
    held_.take(AdjId<V4>(i), waited_, ends_);
    waited_.drain([&](Packet<stage::Unresolved> packet, const Row<stage::Unresolved>&) -> Done {
      return ResumeEnds(ends_).end(std::move(packet), Cause::adj_unresolved);
    });
  }
  reassembly_->expire(UINT64_MAX, ReassembleEnds(ends_));
  ends_.flush();
}

}  // namespace strata
