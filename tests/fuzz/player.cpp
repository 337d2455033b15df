#include "tests/fuzz/player.hpp"

#include <cinttypes>
#include <cstdio>
#include <cstdlib>

#include "control/account.hpp"
#include "control/eal.hpp"
#include "tests/unit/idle_eye.hpp"

namespace strata::fuzz {
namespace {

constexpr unsigned kBuffers = 159;
constexpr unsigned kChainBuffers = 63;  // of test::RawBuffers
constexpr std::uint16_t kRoom = 4096;
constexpr unsigned kMemoryMib = 512;
constexpr std::uint64_t kStart = 1'000'000'000;
constexpr std::uint64_t kMuchLater = std::uint64_t{1} << 60;  // nanoseconds: all that was learned is forgotten

void start_eal() {
  static const auto started = start_eal_offline(kMemoryMib);
  if (!started) fail(started.error());
}

// DPDK finds what it made by name: each gets its own.
std::string unique(const std::string& what) {
  static unsigned serial = 0;
  return what + std::to_string(serial++);
}

Pool make_pool() {
  start_eal();
  auto pool = Pool::create(unique("fuzz_pool"), kBuffers, kRoom);
  if (!pool) fail(pool.error());
  return std::move(*pool);
}

std::string text_of_frame(const Sent& sent) {
  std::string text = "port " + std::to_string(sent.port) + ":";
  for (std::size_t i = 0; i < sent.frame.size() && i < 96; ++i) {
    char hex[4];
    std::snprintf(hex, sizeof hex, " %02x", sent.frame[i]);
    text += hex;
  }
  return text + " (" + std::to_string(sent.frame.size()) + " octets)";
}

}  // namespace

std::string Outcome::difference(const Outcome& other) const {
  for (std::size_t i = 0; i < sent.size() && i < other.sent.size(); ++i)
    if (sent[i] != other.sent[i])
      return "frame " + std::to_string(i) + " sent is\n  " + text_of_frame(sent[i]) + "\nand\n  " +
             text_of_frame(other.sent[i]);
  if (sent.size() != other.sent.size())
    return std::to_string(sent.size()) + " frames were sent, and " + std::to_string(other.sent.size());
  for (const CauseText& text : kCauses)
    if (count(text.cause) != other.count(text.cause))
      return std::string(text.name) + " " + std::to_string(count(text.cause)) + ", and " +
             std::to_string(other.count(text.cause));
  for (std::size_t i = 0; i < figures.size(); ++i)
    if (figures[i] != other.figures[i])
      return "figure " + std::to_string(i) + " is " + std::to_string(figures[i]) + ", and " +
             std::to_string(other.figures[i]);
  if (audit != other.audit) return "the audits differ";
  return {};
}

Player::Player(const config::Config& config)
    : config_(config), pool_(make_pool()), chains_(unique("fuzz_chains"), kPrivateSize) {
  std::vector<wire::MacAddress> macs;
  for (const config::Port& port : config.ports) {
    macs.push_back(port.mac.value());
    names_.push_back(unique("fuzz_port"));
    auto made = RingPort::create(names_.back(), pool_);
    if (!made) fail(made.error());
    devices_[ports_.size()] = made->device();
    ports_.push_back(std::move(*made));
  }
  auto tables = build_tables(config, macs);
  if (!tables) fail(tables.error());
  tables_ = std::move(*tables);
  adjacencies_ = AdjacencyTable(tables_->adjacencies);
  for (const OutboundSa& sa : tables_->out_sas) ip_ids_.push_back(sa.ip_id);
}

// As after a start: no SA has carried anything, nothing was learned.
void Player::begin(Poison poison) {
  if (worker_) worker_->tick(kMuchLater);  // policies have their configured MTUs again
  worker_.reset();
  for (RingPort& port : ports_) port.collect([](const void*, Bytes) {});
  outcome_ = {};
  received_ = 0;
  now_ns_ = kStart;
  for (std::uint32_t i = 0; i < adjacencies_.capacity(); ++i)
    tables_->adjacencies.at(AdjId<V4>(i)) = adjacencies_[AdjId<V4>(i)];
  for (InboundSa& sa : tables_->sas) {
    sa.window = ReplayWindow(sa.window.size());
    sa.packets = 0;
    sa.octets = 0;
    sa.last_sid = {};
  }
  for (OutboundSa& sa : tables_->out_sas) {
    sa.sequence = 0;
    sa.packets = 0;
    sa.octets = 0;
  }
  for (std::size_t i = 0; i < ip_ids_.size(); ++i) tables_->out_sas[i].ip_id = ip_ids_[i];
  pool_.poison(poison);
  auto worker = Worker::create(*tables_, devices_, pool_);
  if (!worker) fail(worker.error());
  worker_ = std::move(*worker);
}

Outcome Player::play(const Arrivals& arrivals, Poison poison, Way way) {
  begin(poison);
  for (const Turn& next : arrivals.turns) {
    now_ns_ += next.pause_ns;
    tick_until(now_ns_);
    turn(next, poison, way);
    check_conserved("after a turn");
  }
  finish();
  return std::move(outcome_);
}

// What is due between two turns happens at its own time, each event before the next.
void Player::tick_until(std::uint64_t now_ns) {
  for (unsigned i = 0; i < 1000 && worker_->next_due() <= now_ns; ++i) {
    worker_->tick(worker_->next_due());
    collect();
    check_conserved("after what was due");
  }
  if (worker_->next_due() <= now_ns) fail("the worker is never done with what is due");
  worker_->tick(now_ns);
  collect();
}

// How many frames lie in the port's ring.
std::size_t Player::feed(const Turn& turn, Poison poison) {
  std::size_t fed = 0;
  for (const Arriving& arriving : turn.frames) {
    if (arriving.chained && chains_.in_use() + 2 <= kChainBuffers) {
      void* chain = chains_.make_of_segments(arriving.frame, {arriving.frame.size() / 2});
      if (rte_ring_enqueue(rte_ring_lookup((names_[turn.port] + "_rx").c_str()), chain) != 0) fail("the ring is full");
      ++fed;
    } else if (ports_[turn.port].feed(pool_, arriving.frame, poison) != nullptr) {
      ++fed;
    }
  }
  return fed;
}

void Player::take_all_buffers() {
  for (;;) {
    auto one = Stock::create(pool_, 1);
    if (!one) return;
    taken_.push_back(std::move(*one));
  }
}

void Player::turn(const Turn& turn, Poison poison, Way way) {
  const std::size_t fed = feed(turn, poison);
  if (turn.scarce) take_all_buffers();
  const PortId port(static_cast<std::uint8_t>(turn.port));
  std::size_t got = 0;
  if (way == Way::straight) {
    NoEye blind;
    got = worker_->turn(port, 0, kBurstSize, now_ns_, blind);
  } else {
    test::IdleEye eye;
    got = worker_->turn(port, 0, kBurstSize, now_ns_, eye);
  }
  if (got != fed) fail("of " + std::to_string(fed) + " frames the worker received " + std::to_string(got));
  received_ += got;
  taken_.clear();
  collect();
}

void Player::collect() {
  for (std::size_t i = 0; i < ports_.size(); ++i)
    ports_[i].collect([&](const void*, std::span<const std::uint8_t> frame) {
      outcome_.sent.push_back({i, Octets(frame.begin(), frame.end())});
    });
  // The steps note their events one after the other for a whole burst; here they stand as the packets came.
  std::vector<AuditEvent> events;
  worker_->audit().collect([&](const AuditEvent& event) { events.push_back(event); });
  std::ranges::stable_sort(events, {}, [](const AuditEvent& event) { return event.from.place(); });
  for (const AuditEvent& event : events) outcome_.audit.push_back(audit_text(config_, event));
}

// What came in or began here has left, ended for a cause, or waits; and each buffer is one that waits.
void Player::check_conserved(const char* when) {
  std::uint64_t sent = 0;
  for (std::size_t i = 0; i < ports_.size(); ++i) sent += worker_->sent(PortId(static_cast<std::uint8_t>(i)));
  const Ends& ends = worker_->ends();
  const std::uint64_t ended = ends.count(Fate::dropped) + ends.count(Fate::consumed) + ends.count(Fate::punted);
  const std::uint64_t in = received_ + ends.generated();
  const std::uint64_t out = sent + worker_->parked() + ended;
  if (in != out)
    fail(std::string("not conserved ") + when + ": received " + std::to_string(received_) + " + made " +
         std::to_string(ends.generated()) + ", sent " + std::to_string(sent) + " + waiting " +
         std::to_string(worker_->parked()) + " + ended " + std::to_string(ended));
  if (sent != outcome_.sent.size()) fail("the worker says that it sent another number of frames than came out");
  if (pool_.in_use() + chains_.in_use() != worker_->parked())
    fail(std::string("buffers were lost or freed twice ") + when + ": " + std::to_string(pool_.in_use()) +
         " are in use, " + std::to_string(worker_->parked()) + " packets wait");
}

void Player::finish() {
  worker_->finish();
  collect();
  check_conserved("at the end");
  if (worker_->parked() != 0) fail("packets still wait at the end");
  add_figures();
}

void Player::add_figures() {
  for (std::size_t i = 0; i < kCauseCount; ++i) outcome_.ends[i] = worker_->ends().count(static_cast<Cause>(i));
  std::vector<std::uint64_t>& figures = outcome_.figures;
  for (std::size_t i = 0; i < kStepNames.size(); ++i)
    figures.push_back(worker_->steps().of(static_cast<strata::Step>(i)));
  for (const InboundSa& sa : tables_->sas) {
    outcome_.tops.push_back(sa.window.top());
    for (const std::uint64_t figure : {std::uint64_t{sa.packets}, std::uint64_t{sa.octets}, sa.window.top()})
      figures.push_back(figure);
  }
  for (const OutboundSa& sa : tables_->out_sas) {
    outcome_.sealed.push_back(sa.packets);
    for (const std::uint64_t figure : {sa.packets, sa.octets, sa.sequence}) figures.push_back(figure);
  }
  for (const SidCounter& sid : worker_->sid_counters()) {
    figures.push_back(sid.packets);
    figures.push_back(sid.octets);
  }
  figures.push_back(worker_->icmp_counters().errors_sent);
  figures.push_back(worker_->icmp_counters().errors_limited);
  figures.push_back(worker_->audit().suppressed());
  figures.push_back(worker_->audit().ecn_anomalies());
  outcome_.joined = outcome_.count(Cause::ip4_reassembled);
}

}  // namespace strata::fuzz
