// One worker: its tables, its bursts, its ledger, and the whole journey. It may be the only one, or one of a team
// (dataplane/worker_set.hpp).
#pragma once

#include <cstdint>
#include <memory>
#include <tl/expected.hpp>

#include "dataplane/packet/port_io.hpp"
#include "dataplane/stage/arp_input.hpp"
#include "dataplane/stage/classify.hpp"
#include "dataplane/stage/dx4_fast_path.hpp"
#include "dataplane/stage/end_dx4.hpp"
#include "dataplane/stage/esp_in_fast_path.hpp"
#include "dataplane/stage/esp_open.hpp"
#include "dataplane/stage/esp_seal.hpp"
#include "dataplane/stage/fragment.hpp"
#include "dataplane/stage/h_encaps.hpp"
#include "dataplane/stage/host_input.hpp"
#include "dataplane/stage/icmp_error.hpp"
#include "dataplane/stage/ip4_forward.hpp"
#include "dataplane/stage/ip4_output.hpp"
#include "dataplane/stage/local_deliver.hpp"
#include "dataplane/stage/local_sid.hpp"
#include "dataplane/stage/reassemble.hpp"
#include "dataplane/stage/resolve.hpp"
#include "dataplane/stage/seal_fast_path.hpp"
#include "dataplane/stage/spread.hpp"
#include "dataplane/step.hpp"
#include "dataplane/table/tables_change.hpp"

namespace strata {

// Looks at the bursts between two steps. This one does not look, and costs nothing: where nobody looks, the usual way
// goes straight on from step to step.
struct NoEye {
  template <class... Stages>
  void after(const char*, const Burst<Stages>&...) {}
};
template <class Eye>
inline constexpr bool kLooks = !std::same_as<Eye, NoEye>;

// What the workers of a gateway share.
struct Team {
  HandoffRings rings;
  Ownership ownership;
  NeighborBoard& board;
  PathMtus* path_mtus;  // of the tables that the workers begin with
};

// A worker's place in a team.
struct Membership {
  Team* team;  // outlives the worker
  WorkerId id;
  Senders senders;
};

class Worker {
 public:
  // devices: DPDK's port numbers, by PortId. tables, pool: outlive the worker. pool: for what begins here; the largest
  // packet that is put together of several buffers or fragments is its room.
  static tl::expected<std::unique_ptr<Worker>, std::string> create(Tables& tables,
                                                                   std::array<std::uint16_t, kMaxPorts> devices,
                                                                   const Pool& pool,
                                                                   std::optional<Membership> membership = std::nullopt);

  // Takes up to `most` frames of a port's queue through the whole journey. Returns how many were received.
  // now_ns: since any moment, never less than before.
  template <class Eye>
  std::size_t turn(PortId port, std::uint16_t queue, std::size_t most, std::uint64_t now_ns, Eye& eye);

  // As turn(), with what other workers have handed over. Nothing to do for a worker alone.
  template <class Eye>
  std::size_t turn_handed(std::uint64_t now_ns, Eye& eye);

  // Between turns, before tick(): takes over what the host's worker has learned of neighbors. False: something that
  // this worker handed over is still on its way, and would be overtaken; then there is no turn now.
  bool catch_up(std::uint64_t now_ns);

  // Between turns: from now on it goes by other tables, made beside those that it has.
  template <class Eye>
  void take_over(const TablesChange& change, std::uint64_t now_ns, Eye& eye);

  // What is due by the clock: neighbors that are asked again or no more, fragments that waited too long, path MTUs that
  // were believed long enough. Between turns.
  void tick(std::uint64_t now_ns);
  // When tick() has something to do next, as far as neighbors and path MTUs go.
  std::uint64_t next_due() const { return std::min(neighbors_.next_due(), path_mtus_->next_due()); }

  // The port's device looks at the checksums of the IPv4 headers that it receives.
  void believe_header_sums(PortId port) { sums_[port.index()] = DeviceSums::believed; }

  // Says the port's own addresses on its link (RFC 5227 section 3): at the start, and when the link comes up.
  void announce(PortId port);
  // From any thread: the next tick() does so.
  void ask_to_announce(PortId port) { to_announce_.fetch_or(std::uint32_t{1} << port.index()); }

  // Of the host's worker: what it learns of neighbors is said there. board: outlives the worker.
  void tell_neighbors(NeighborBoard& board) { neighbors_.tell(board); }
  // Of the tables that it goes by.
  const PathMtus& path_mtus() const { return *path_mtus_; }
  // Nobody counts there any more: what a SID that is gone has left.
  SidCounter take_sid_counter(SidId sid) { return std::exchange(sid_counters_[sid.index()], SidCounter{}); }
  // Of the host's worker, when it does not go round.
  void list_neighbors(std::vector<Neighbors::Known>& known) const { neighbors_.list(known); }

  // What still waits ends here.
  void finish();

  const Ends& ends() const { return ends_; }
  // Between turns; nullptr: nobody looks on any more.
  void watch(Onlooker* onlooker) {
    onlooker_ = onlooker;
    ends_.watch(onlooker);
  }
  // For an eye: what this worker goes by now.
  const Tables& tables() const { return *tables_; }
  const AdjacencyTable& adjacencies() const { return adjacencies_; }
  Audit& audit() { return audit_; }
  const StepCounters& steps() const { return steps_; }
  const SidCounters& sid_counters() const { return sid_counters_; }
  const IcmpCounters& icmp_counters() const { return icmp_counters_; }
  std::uint64_t received(PortId port) const { return received_[port.index()]; }
  std::uint64_t sent(PortId port) const { return sent_[port.index()]; }
  std::uint64_t handed_over() const { return handoff_ ? handoff_->handed_over() : 0; }
  // For a neighbor, for fragments, or in the rings to this worker; when it does not go round.
  std::uint64_t parked() const {
    return held_.held() + (reassembly_ ? reassembly_->held() : 0) + (handoff_ ? handoff_->waiting() : 0);
  }

 private:
  struct Parts {
    Aead aead;
    std::unique_ptr<AdjacencyTable> adjacencies;
    Neighbors neighbors;
    std::unique_ptr<Reassembly> reassembly;  // nullptr: the host's worker has it
    std::unique_ptr<PathMtus> path_mtus;     // nullptr: others have them
    std::unique_ptr<Handoff> handoff;        // nullptr: alone
  };
  Worker(Tables& tables, std::array<std::uint16_t, kMaxPorts> devices, const Pool& pool, Parts parts,
         const std::optional<Membership>& membership);

  // The packets that a step takes, from the place where they are. Those between workers are at none.
  template <class Stage, class Eye>
  void take(Step step, const Burst<Stage>& from, Eye& eye) {
    steps_.note(step, from);
    if constexpr (requires { eye.at(from); }) eye.at(from);
  }
  template <class Eye>
  void input(PortIo::Polled& polled, const Origin& here, Eye& eye);
  template <class Eye>
  void open(std::uint64_t now_ns, Eye& eye);
  void input_straight(PortIo::Polled& polled, const Origin& here);
  void open_straight(std::uint64_t now_ns);
  void forward_straight();
  template <class ToEncaps>
  struct InTurn;
  bool any_turned_off() const { return (oversize_.size() | local_.size() | refused_.size() | made_.size()) != 0; }
  Ip4ForwardRest forwarding() {
    return {*tables_,   neighbors_, audit_,   oversize_, unresolved_,
            fragments_, local_,     refused_, out_,      Ip4ForwardEnds(ends_)};
  }
  template <class Eye>
  void onwards(std::uint64_t now_ns, Eye& eye);
  template <class Eye>
  std::size_t turn_of(WorkerId from, std::uint64_t now_ns, Eye& eye);
  template <class Eye>
  void finish_with_host(std::uint64_t now_ns, Eye& eye);
  template <class Stage>
  void hand_to_host(Burst<Stage>& in);
  void hand_unresolved_to_host();
  template <class Eye>
  void host(std::uint64_t now_ns, Eye& eye);
  template <class Eye>
  void forward(std::uint64_t now_ns, Eye& eye);
  template <class Eye>
  void leave(std::uint64_t now_ns, Eye& eye);
  template <class Eye>
  void seal(Eye& eye);
  template <class Eye>
  void spread_sealing(Eye& eye);
  template <class Eye>
  void seal_what_is_mine(Eye& eye);
  template <class Eye>
  void wake(const Heard& heard, std::uint64_t now_ns, Eye& eye);
  void round_of_neighbors(std::uint64_t now_ns);
  void give_up_on(AdjId<V4> neighbor, std::uint64_t now_ns);
  void ask(AdjId<V4> neighbor);
  void announce_what_was_asked();
  void drop_held(AdjId<V4> neighbor);
  std::vector<AdjId<V4>> go_by(const TablesChange& change, std::uint64_t now_ns);
  bool take_over(const AdjacencyChange& change, std::uint64_t now_ns);
  bool holds(SaId sa) const { return !handoff_ || handoff_->ownership().holder(sa) == self_; }
  bool holds(OutSaId sa) const { return !handoff_ || handoff_->ownership().holder(sa) == self_; }
  bool owns(OutSaId sa) const { return !handoff_ || handoff_->ownership().owner(sa) == self_; }
  void transmit() {
    if (sends_by_others_) [[unlikely]]
      give_to_senders();
    if (onlooker_ != nullptr) [[unlikely]]
      onlooker_->leave(out_);
    PortIo::transmit(out_, devices_.data(), self_.index(), sent_.data(), PortIo::TxEnds(ends_));
  }
  void give_to_senders();

  Tables* tables_;
  Maker maker_;
  Aead aead_;
  std::unique_ptr<AdjacencyTable> own_adjacencies_;  // of the host's worker: those of the tables
  AdjacencyTable& adjacencies_;
  Neighbors neighbors_;
  std::unique_ptr<PathMtus> own_path_mtus_;
  PathMtus* path_mtus_;
  Team* team_ = nullptr;
  std::unique_ptr<Handoff> handoff_;
  WorkerId self_ = kHostWorker;
  bool is_host_ = true;
  bool sends_by_others_ = false;
  Senders senders_;
  std::atomic<std::uint32_t> to_announce_{0};  // ports, by bit
  std::vector<NeighborBoard::Change> news_;
  std::uint64_t unresolved_up_to_ = 0;  // of the ring to the host's worker: the last that waits for a neighbor
  std::uint64_t waits_since_ns_ = 0;    // to catch up; 0: it does not
  HoldQueue held_;
  std::unique_ptr<Reassembly> reassembly_;
  IcmpLimits icmp_limits_;
  IcmpCounters icmp_counters_;
  Ends ends_;
  StepCounters steps_;
  Onlooker* onlooker_ = nullptr;
  Audit audit_;
  SidCounters sid_counters_;
  std::array<std::uint16_t, kMaxPorts> devices_;
  std::array<DeviceSums, kMaxPorts> sums_{};
  std::array<Relaxed<std::uint64_t>, kMaxPorts> received_{};
  std::array<Relaxed<std::uint64_t>, kMaxPorts> sent_{};

  Burst<stage::Frame> frames_;
  Burst<stage::Arp> arp_;
  Burst<stage::Host> host_;
  Burst<stage::Fragment> fragments_;
  Burst<stage::EspIn> esp_;
  Burst<stage::Ip6> ip6_;
  Burst<stage::Sr6> end_dx4_;
  Burst<stage::Ip4> ip4_;
  Burst<stage::Local> local_;
  Burst<stage::Refused> refused_;
  Burst<stage::Made> made_;
  Burst<stage::Unresolved> unresolved_;
  Burst<stage::Unresolved> waited_;
  Burst<stage::Oversize> oversize_;
  Burst<stage::Steered> steered_;
  Burst<stage::Sr6Out> sr6_out_;
  Burst<stage::Out> out_;
  Burst<stage::EspIn> esp_of_all_;
  Burst<stage::Sr6Out> sr6_out_of_all_;
  Burst<stage::Out> out_of_all_;
};

// The journey. A step's first burst is where its packets come from, the others are where they can go; all else of them
// is in its ends. Where packets of one burst come together by two ways, they go on in the order they came.
template <class Eye>
std::size_t Worker::turn(PortId port, std::uint16_t queue, std::size_t most, std::uint64_t now_ns, Eye& eye) {
  audit_.set_time(now_ns);
  const PortEntry& at = tables_->ports[port.index()];
  ends_.mark({.time_ns = now_ns, .port = port, .side = at.side});
  const Origin here{SaId::none(), port, at.side, Arrival{}};
  PortIo::Polled polled;
  const std::size_t n = PortIo::poll(devices_[port.index()], queue, most, polled);
  if (n == 0) return 0;
  received_[port.index()] += n;
  input(polled, here, eye);
  if (!at.is_host) host(now_ns, eye);
  open(now_ns, eye);
  onwards(now_ns, eye);
  ends_.flush();
  return n;
}

// From a port to what is in its frames; IPv4 to an address of ours: what is ESP waits in esp_, fragments wait for each
// other, the rest waits in local_.
template <class Eye>
void Worker::input(PortIo::Polled& polled, const Origin& here, Eye& eye) {
  const PortEntry& at = tables_->ports[here.port().index()];
  if constexpr (!kLooks<Eye>)
    if (!at.is_host) [[likely]]
      return input_straight(polled, here);
  PortIo::receive(polled, here, maker_, frames_, PortIo::RxEnds(ends_), sums_[here.port().index()]);
  eye.after("rx", frames_);
  if (at.is_host) {
    take(Step::classify_host, frames_, eye);
    classify_host(frames_, *tables_, arp_, made_, ClassifyEnds(ends_));
    eye.after("classify", arp_, made_);
    return;
  }
  take(Step::classify, frames_, eye);
  classify(frames_, *tables_, at.mac, arp_, host_, ip4_, ip6_, ClassifyEnds(ends_));
  eye.after("classify", arp_, host_, ip4_, ip6_);
  take(Step::host_input, host_, eye);
  host_input(host_, *tables_, audit_, esp_, fragments_, local_, HostInputEnds(ends_));
  eye.after("host_input", esp_, fragments_, local_);
}

// From the first IPv6 or IPv4 packet in hand to the last port.
template <class Eye>
void Worker::onwards(std::uint64_t now_ns, Eye& eye) {
  if (!ip6_.empty()) {
    take(Step::local_sid, ip6_, eye);
    local_sid(ip6_, *tables_, *path_mtus_, audit_, now_ns, end_dx4_, LocalSidEnds(ends_));
    eye.after("local_sid", end_dx4_);
    const bool mixed = !ip4_.empty();
    take(Step::end_dx4, end_dx4_, eye);
    end_dx4(end_dx4_, tables_->sids, sid_counters_, ip4_, EndDx4Ends(ends_));
    if (mixed) ip4_.restore_arrival_order();
    eye.after("end_dx4", ip4_);
  }
  forward(now_ns, eye);
  if (!arp_.empty()) [[unlikely]] {
    if (!is_host_) return hand_to_host(arp_);
    // Last: what came with it to a neighbor yet unknown has lined up behind those that wait already.
    Heard heard;
    take(Step::arp_input, arp_, eye);
    arp_input(arp_, *tables_, neighbors_, now_ns, heard, out_, ArpInputEnds(ends_));
    eye.after("arp_input", out_);
    transmit();
    wake(heard, now_ns, eye);
    neighbors_.publish();
  }
}

// The packets that waited for those that were heard of.
template <class Eye>
void Worker::wake(const Heard& heard, std::uint64_t now_ns, Eye& eye) {
  for (std::size_t i = 0; i < heard.size(); ++i) {
    held_.take(heard[i], waited_, ends_);
    if (waited_.empty()) continue;
    steps_.note(Step::resume, waited_);
    resume(waited_, ip4_, made_);
    eye.after("resume", ip4_, made_);
    forward(now_ns, eye);
  }
}

template <class Eye>
void Worker::take_over(const TablesChange& change, std::uint64_t now_ns, Eye& eye) {
  for (const AdjId<V4> known : go_by(change, now_ns)) {
    Heard heard;
    heard.note(known);
    wake(heard, now_ns, eye);
  }
  ends_.flush();
}

// What was handed over, ring by ring. What the host's worker has passed on comes first: it may be older than what
// others have sent past it since.
template <class Eye>
std::size_t Worker::turn_handed(std::uint64_t now_ns, Eye& eye) {
  if (!handoff_) return 0;
  std::size_t n = turn_of(kHostWorker, now_ns, eye);
  for (std::uint8_t i = 0; i < handoff_->workers(); ++i) {
    const WorkerId from(i);
    if (from == kHostWorker || !handoff_->fetch(from)) continue;
    if (!is_host_) finish_with_host(now_ns, eye);
    n += turn_of(from, now_ns, eye);
  }
  return n;
}

// All that the host's worker has handed over until now.
template <class Eye>
void Worker::finish_with_host(std::uint64_t now_ns, Eye& eye) {
  const HandoffRing& ring = handoff_->in(kHostWorker);
  const std::uint64_t until = ring.put_so_far();
  while (ring.done_so_far() < until) turn_of(kHostWorker, now_ns, eye);
}

template <class Eye>
std::size_t Worker::turn_of(WorkerId from, std::uint64_t now_ns, Eye& eye) {
  audit_.set_time(now_ns);
  ends_.mark({.time_ns = now_ns});
  const std::size_t n =
      handoff_->pick_up(from, arp_, fragments_, esp_, local_, refused_, unresolved_, sr6_out_, out_, PickUpEnds(ends_));
  if (n == 0) return 0;
  steps_.add(Step::pick_up, n);
  eye.after("pick_up", arp_, fragments_, esp_, local_, refused_, unresolved_, sr6_out_, out_);
  if (!unresolved_.empty()) {
    steps_.note(Step::resume, unresolved_);
    resume(unresolved_, ip4_, made_);
  }
  if (!sr6_out_.empty() || !out_.empty()) {
    seal_what_is_mine(eye);
    transmit();
  }
  open(now_ns, eye);
  if (!fragments_.empty()) {
    host(now_ns, eye);
    open(now_ns, eye);
  }
  onwards(now_ns, eye);
  ends_.flush();
  handoff_->done(from, n);
  return n;
}

template <class Stage>
void Worker::hand_to_host(Burst<Stage>& in) {
  if (in.empty()) return;
  steps_.note(Step::to_host, in);
  to_host(in, *handoff_, HandoffEnds(ends_));
}

// Fragments that are together now go the same way; then ESP is spread over the workers.
template <class Eye>
void Worker::host(std::uint64_t now_ns, Eye& eye) {
  if (!fragments_.empty() && !is_host_) [[unlikely]]
    hand_to_host(fragments_);
  if (!fragments_.empty()) [[unlikely]] {
    take(Step::reassemble, fragments_, eye);
    reassemble(fragments_, *reassembly_, now_ns, host_, local_, ReassembleEnds(ends_));
    eye.after("reassemble", host_);
    take(Step::host_input, host_, eye);
    host_input(host_, *tables_, audit_, esp_, fragments_, local_, HostInputEnds(ends_));
    esp_.restore_arrival_order();
    local_.restore_arrival_order();
    eye.after("host_input", esp_, local_);
  }
  if (handoff_ && !esp_.empty()) {
    esp_.take_all(esp_of_all_);
    steps_.note(Step::spread_in, esp_of_all_);
    spread_in(esp_of_all_, *handoff_, esp_, HandoffEnds(ends_));
    eye.after("spread_in", esp_);
  }
}

template <class Eye>
void Worker::open(std::uint64_t now_ns, Eye& eye) {
  if (esp_.empty()) return;
  // With others on their way beside them, all go step by step, so that their order can be restored between.
  if constexpr (!kLooks<Eye>)
    if (ip4_.empty() && ip6_.empty() && fragments_.empty()) [[likely]]
      return open_straight(now_ns);
  const bool mixed = !ip6_.empty();
  take(Step::esp_open, esp_, eye);
  esp_open(esp_, tables_->sas, aead_, audit_, ip6_, EspOpenEnds(ends_));
  if (mixed) ip6_.restore_arrival_order();
  eye.after("esp_open", ip6_);
}

// IPv4 on its way, for this machine, or made by it.
template <class Eye>
void Worker::forward(std::uint64_t now_ns, Eye& eye) {
  bool mixed = !local_.empty();
  if (!ip4_.empty()) {
    take(Step::ip4_forward, ip4_, eye);
    if constexpr (!kLooks<Eye>)
      forward_straight();
    else
      ip4_forward(ip4_, *tables_, neighbors_, audit_, steered_, oversize_, unresolved_, fragments_, local_, refused_,
                  out_, Ip4ForwardEnds(ends_));
    eye.after("ip4_forward", steered_, oversize_, unresolved_, fragments_, local_, refused_, out_);
  }
  if (!is_host_) {
    hand_to_host(fragments_);
    hand_to_host(local_);
    hand_to_host(refused_);
    return leave(now_ns, eye);
  }
  if (!fragments_.empty()) [[unlikely]] {
    take(Step::reassemble, fragments_, eye);
    reassemble(fragments_, *reassembly_, now_ns, host_, local_, ReassembleEnds(ends_));
    assert(host_.empty());
    eye.after("reassemble", local_);
    mixed = true;
  }
  const bool has_extra = !local_.empty() || !refused_.empty() || !made_.empty();
  if (has_extra) [[unlikely]] {
    if (mixed) local_.restore_arrival_order();
    take(Step::local_deliver, local_, eye);
    local_deliver(local_, *tables_, *path_mtus_, now_ns, made_, oversize_, refused_, out_, LocalDeliverEnds(ends_));
    eye.after("local_deliver", made_, oversize_, refused_, out_);
    take(Step::icmp_error, refused_, eye);
    icmp_error(refused_, *tables_, icmp_limits_, icmp_counters_, now_ns, made_, IcmpErrorEnds(ends_));
    eye.after("icmp_error", made_);
    made_.restore_arrival_order();
    take(Step::ip4_output, made_, eye);
    ip4_output(made_, *tables_, neighbors_, steered_, oversize_, unresolved_, out_, Ip4OutputEnds(ends_));
    steered_.restore_arrival_order();
    oversize_.restore_arrival_order();
    unresolved_.restore_arrival_order();
    out_.restore_arrival_order();
    eye.after("ip4_output", steered_, oversize_, unresolved_, out_);
  }
  leave(now_ns, eye);
}

// Out of the ports. The fragments of a packet leave where the packet would have.
template <class Eye>
void Worker::leave(std::uint64_t now_ns, Eye& eye) {
  while (!oversize_.empty()) {
    Burst<stage::Oversize> one;
    Burst<stage::Steered> later_steered;
    Burst<stage::Out> later_out;
    oversize_.take_first(one);
    steered_.split_from(place_of(one.row(0)), later_steered);
    out_.split_from(place_of(one.row(0)), later_out);
    seal(eye);
    transmit();
    take(Step::fragment, one, eye);
    fragment(one, adjacencies_, maker_, steered_, out_, FragmentEnds(ends_));
    eye.after("fragment", steered_, out_);
    seal(eye);
    transmit();
    later_steered.take_all(steered_);
    later_out.take_all(out_);
  }
  seal(eye);
  transmit();
  if (!unresolved_.empty()) [[unlikely]] {
    if (!is_host_) return hand_unresolved_to_host();
    take(Step::resolve, unresolved_, eye);
    resolve(unresolved_, *tables_, neighbors_, now_ns, held_, maker_, ends_, refused_, out_, ResolveEnds(ends_));
    eye.after("resolve", refused_, out_);
    transmit();
    if (!refused_.empty()) forward(now_ns, eye);  // what is made of them is refused by nobody: once more at the most
  }
}

template <class Eye>
void Worker::seal(Eye& eye) {
  if (steered_.empty()) return;
  take(Step::h_encaps, steered_, eye);
  h_encaps(steered_, tables_->policies, sr6_out_, HEncapsEnds(ends_));
  eye.after("h_encaps", sr6_out_);
  spread_sealing(eye);
  seal_what_is_mine(eye);
}

template <class Eye>
void Worker::spread_sealing(Eye& eye) {
  if (!handoff_) return;
  sr6_out_.take_all(sr6_out_of_all_);
  steps_.note(Step::spread_out, sr6_out_of_all_);
  spread_out(sr6_out_of_all_, *handoff_, sr6_out_, HandoffEnds(ends_));
  eye.after("spread_out", sr6_out_);
}

template <class Eye>
void Worker::seal_what_is_mine(Eye& eye) {
  if (sr6_out_.empty()) return;
  const bool mixed = !out_.empty();
  take(Step::esp_seal, sr6_out_, eye);
  esp_seal(sr6_out_, tables_->out_sas, adjacencies_, aead_, out_, EspSealEnds(ends_));
  if (mixed) out_.restore_arrival_order();
  eye.after("esp_seal", out_);
}

}  // namespace strata
