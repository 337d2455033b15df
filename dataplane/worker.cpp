#include "dataplane/worker.hpp"

namespace strata {

namespace {

// Longer than this no worker stands still for order's sake: whoever keeps it waiting is not being run at all.
constexpr std::uint64_t kLongestWaitNs = 1'000'000'000;

}  // namespace

tl::expected<std::unique_ptr<Worker>, std::string> Worker::create(Tables& tables,
                                                                  std::array<std::uint16_t, kMaxPorts> devices,
                                                                  const Pool& pool,
                                                                  std::optional<Membership> membership) {
  std::optional<Aead> aead = Aead::create();
  if (!aead) {
    return tl::unexpected(
        std::string("intel-ipsec-mb does not run on this CPU: it needs SSE4.2, AES-NI and PCLMULQDQ"));
  }
  const bool is_host = !membership || membership->id == kHostWorker;
  const AdjacencyTable& of_all = tables.adjacencies;
  auto adjacencies = std::make_unique<AdjacencyTable>(is_host ? of_all.share(of_all.size()) : AdjacencyTable(of_all));
  auto neighbors = Neighbors::create(*adjacencies, tables.neighbors);
  if (!neighbors) return tl::unexpected(std::move(neighbors.error()));
  Parts parts{.aead = std::move(*aead),
              .adjacencies = std::move(adjacencies),
              .neighbors = std::move(*neighbors),
              .reassembly = nullptr,
              .path_mtus = membership ? nullptr : std::make_unique<PathMtus>(tables),
              .handoff = nullptr};
  if (is_host) {
    auto reassembly = Reassembly::create(tables.reassembly, Maker(pool));
    if (!reassembly) return tl::unexpected(std::move(reassembly.error()));
    parts.reassembly = std::move(*reassembly);
  }
  if (membership)
    parts.handoff = std::make_unique<Handoff>(membership->team->rings, membership->team->ownership, membership->id);
  return std::unique_ptr<Worker>(new Worker(tables, devices, pool, std::move(parts), membership));
}

Worker::Worker(Tables& tables, std::array<std::uint16_t, kMaxPorts> devices, const Pool& pool, Parts parts,
               const std::optional<Membership>& membership)
    : tables_(&tables),
      maker_(pool),
      aead_(std::move(parts.aead)),
      own_adjacencies_(std::move(parts.adjacencies)),
      adjacencies_(*own_adjacencies_),
      neighbors_(std::move(parts.neighbors)),
      own_path_mtus_(std::move(parts.path_mtus)),
      path_mtus_(own_path_mtus_.get()),
      handoff_(std::move(parts.handoff)),
      held_(neighbors_.capacity(), tables.ports.size(), tables.neighbors.hold),
      reassembly_(std::move(parts.reassembly)),
      icmp_limits_(tables.icmp),
      sid_counters_(std::max(tables.sids.size(), tables.sid_room)),
      devices_(devices) {
  if (!membership) return;
  team_ = membership->team;
  path_mtus_ = team_->path_mtus;
  self_ = membership->id;
  is_host_ = self_ == kHostWorker;
  senders_ = membership->senders;
  for (std::size_t i = 0; i < tables.ports.size(); ++i) sends_by_others_ = sends_by_others_ || senders_[i] != self_;
}

// The usual way, each packet from step to step with no burst between. What turns off it, and what the next steps gather
// from several others, still waits in bursts. Flattened: a step that is called instead of inlined looks everything up
// through its captures again.

[[gnu::flatten]] void Worker::input_straight(PortIo::Polled& polled, const Origin& here) {
  const wire::MacAddress& mac = tables_->ports[here.port().index()].mac;
  Straight host(HostInputStep({*tables_, audit_, esp_, fragments_, local_, HostInputEnds(ends_)}));
  Straight classify(ClassifyStep<decltype(host)>({*tables_, mac, arp_, ip4_, ip6_, ClassifyEnds(ends_)}, host));
  const PortIo::RxEnds ends(ends_);
  const DeviceSums sums = sums_[here.port().index()];
  const Reads reads = handoff_ ? Reads::headers : Reads::all;
  if (here.side() == Side::unprotected_side) {
    Straight esp(EspInFastPathStep<decltype(classify)>(*tables_, classify, esp_));
    static_assert(LooksAhead<decltype(esp)>);
    PortIo::receive(polled, here, maker_, esp, ends, sums, reads);
    const std::size_t fast = esp.size() - classify.size();
    steps_.add(Step::classify, fast);
    steps_.add(Step::host_input, fast);
  } else {
    PortIo::receive(polled, here, maker_, classify, ends, sums, reads);
  }
  steps_.add(Step::classify, classify.size());
  steps_.add(Step::host_input, host.size());
}

[[gnu::flatten]] void Worker::open_straight(std::uint64_t now_ns) {
  Straight forward(Ip4ForwardStep<Burst<stage::Steered>>(forwarding(), steered_));
  Straight at_sid(EndDx4Step<decltype(forward)>{tables_->sids, sid_counters_, forward, EndDx4Ends(ends_)});
  Straight local_sid(
      LocalSidStep<decltype(at_sid)>({*tables_, *path_mtus_, audit_, now_ns, LocalSidEnds(ends_)}, at_sid));
  Straight unwrap(EspUnwrapStep<decltype(local_sid)>{tables_->sas, local_sid, EspOpenEnds(ends_)});
  Straight decrypted(Dx4FastPathStep<decltype(unwrap)>(*tables_, neighbors_, sid_counters_, unwrap, out_));
  static_assert(LooksAheadOfDecrypted<decltype(decrypted)>);
  steps_.note(Step::esp_open, esp_);
  open_esp(esp_, tables_->sas, aead_, audit_, decrypted, EspOpenEnds(ends_));
  const std::size_t fast = decrypted.size() - unwrap.size();
  steps_.add(Step::local_sid, fast + local_sid.size());
  steps_.add(Step::end_dx4, fast + at_sid.size());
  steps_.add(Step::ip4_forward, fast + forward.size());
}

// Once a packet of the burst takes another way that ends in sealing, being cut or answered, those behind it are sealed
// after it: sequence numbers rise in the order that the packets leave in.
template <class ToEncaps>
struct Worker::InTurn {
  using stage_type = stage::Steered;

  Worker& worker;
  ToEncaps& at_once;

  Done push(Packet<stage::Steered>&& packet, const Row<stage::Steered>& row) {
    if (!worker.any_turned_off()) [[likely]]
      return at_once.push(std::move(packet), row);
    return worker.steered_.push(std::move(packet), row);
  }
};

[[gnu::flatten]] void Worker::forward_straight() {
  const BurstRoutes routes(ip4_, tables_->routes, tables_->policies);
  ask_for_sas(routes, tables_->policies, tables_->out_sas, [this](OutSaId sa) { return owns(sa); });
  Burst<stage::Unsealed> unsealed;
  // What spread_out would let pass.
  const auto may_seal = [this](OutSaId sa) {
    return !any_turned_off() && owns(sa) && holds(sa) && (!handoff_ || !handoff_->stands_in_line());
  };
  const std::size_t all = ip4_.size();
  std::size_t fast = 0;
  const auto go = [&](auto& sealing) {
    Straight encaps(
        HEncapsStep<std::remove_reference_t<decltype(sealing)>>{tables_->policies, sealing, HEncapsEnds(ends_)});
    InTurn<decltype(encaps)> in_turn{*this, encaps};
    const Ip4ForwardStep<decltype(in_turn)> forward(forwarding(), in_turn);
    const SealFastPathStep step(*tables_, adjacencies_, forward, may_seal, unsealed);
    drain_routed(ip4_, routes, step);
    fast = all - step.slow();
    steps_.add(Step::h_encaps, fast + encaps.size());
  };
  Straight sealing(EspLayOutStep{tables_->out_sas, adjacencies_, unsealed, EspSealEnds(ends_)});
  if (handoff_) {
    Straight spread(SpreadStep<stage::Sr6Out, decltype(sealing)>(*handoff_, sealing));
    go(spread);
    handoff_->flush(HandoffEnds(ends_));
    steps_.add(Step::spread_out, fast + spread.size());
  } else {
    go(sealing);
  }
  const bool mixed = !out_.empty();  // with what a bypass lets pass
  drain_asking(unsealed, EspCipherStep{tables_->out_sas, adjacencies_, aead_, out_, EspSealEnds(ends_)});
  if (mixed) [[unlikely]]
    out_.restore_arrival_order();
  steps_.add(Step::esp_seal, fast + sealing.size());
}

// A neighbor that is newly known is sent to by this worker itself from now on. Whatever it has handed over for want of
// that goes first.
bool Worker::catch_up(std::uint64_t now_ns) {
  if (is_host_ || !team_->board.has_news(self_)) [[likely]]
    return true;
  if (handoff_->out(kHostWorker).done_so_far() < unresolved_up_to_) {
    if (waits_since_ns_ == 0) waits_since_ns_ = now_ns;
    if (now_ns - waits_since_ns_ < kLongestWaitNs) return false;
  }
  waits_since_ns_ = 0;
  team_->board.read(self_, news_);
  for (const NeighborBoard::Change& change : news_) neighbors_.take_over(change, tables_->link_of(change.port), now_ns);
  NoEye blind;
  finish_with_host(now_ns, blind);
  return true;
}

// The route look-up of the host's worker finds these neighbors anew: here they take no place.
void Worker::hand_unresolved_to_host() {
  for (std::size_t i = 0; i < unresolved_.size(); ++i) neighbors_.forget(unresolved_.row(i).waits_for);
  hand_to_host(unresolved_);
  unresolved_up_to_ = handoff_->out(kHostWorker).put_so_far();
}

void Worker::give_to_senders() {
  out_.take_all(out_of_all_);
  steps_.note(Step::spread_tx, out_of_all_);
  spread_tx(out_of_all_, senders_, *handoff_, out_, HandoffEnds(ends_));
}

void Worker::tick(std::uint64_t now_ns) {
  if (!is_host_) return;
  audit_.set_time(now_ns);
  ends_.mark({.time_ns = now_ns});
  reassembly_->expire(now_ns, ReassembleEnds(ends_));
  if (now_ns >= path_mtus_->next_due()) path_mtus_->expire(now_ns);
  if (now_ns >= neighbors_.next_due()) round_of_neighbors(now_ns);
  if (to_announce_.load(std::memory_order_relaxed) != 0) announce_what_was_asked();
  neighbors_.publish();
  ends_.flush();
}

void Worker::announce_what_was_asked() {
  const std::uint32_t asked = to_announce_.exchange(0);
  for (std::size_t port = 0; port < tables_->ports.size(); ++port)
    if ((asked >> port & 1) != 0) announce(PortId(static_cast<std::uint8_t>(port)));
}

// No more than a burst at a time: of very many neighbors very many may be due, and packets wait meanwhile.
void Worker::round_of_neighbors(std::uint64_t now_ns) {
  for (std::size_t i = 0; i < kBurstSize; ++i) {
    const auto event = neighbors_.next_event(now_ns);
    if (!event) return;
    if (event->what == Neighbors::What::ask)
      ask(event->id);
    else
      give_up_on(event->id, now_ns);
  }
}

void Worker::ask(AdjId<V4> neighbor) {
  const ArpRequest request = arp_request(*tables_, neighbor);
  (void)maker_.frame(request.frame, request.port, out_, ends_);  // without a buffer: asked again in time
  transmit();
}

void Worker::give_up_on(AdjId<V4> neighbor, std::uint64_t now_ns) {
  held_.take(neighbor, waited_, ends_);
  neighbors_.forget(neighbor);
  if (waited_.empty()) return;
  NoEye blind;
  steps_.note(Step::give_up, waited_);
  give_up(waited_, *tables_, refused_, ResumeEnds(ends_));
  forward(now_ns, blind);
}

void Worker::announce(PortId port) {
  if (!tables_->neighbors.enabled) return;
  for (const wire::Ipv4Prefix& own : tables_->ports[port.index()].addresses) {
    const ArpRequest announcement = arp_announcement(*tables_, port, own.address);
    (void)maker_.frame(announcement.frame, port, out_, ends_);
    transmit();
  }
}

void Worker::finish() {
  for (std::uint32_t i = 0; i < neighbors_.capacity(); ++i) drop_held(AdjId<V4>(i));
  if (reassembly_) reassembly_->expire(UINT64_MAX, ReassembleEnds(ends_));
  ends_.flush();
}

}  // namespace strata
