#include "replay/engine.hpp"

#include <algorithm>
#include <chrono>

#include "config/memory.hpp"
#include "control/account.hpp"
#include "control/build.hpp"
#include "control/eal.hpp"
#include "dataplane/worker.hpp"
#include "replay/explain.hpp"
#include "replay/feed.hpp"
#include "replay/outputs.hpp"
#include "replay/same_file.hpp"

namespace strata::replay {
namespace {

constexpr unsigned kLeastMemoryMib = 384;
constexpr unsigned kBuffers = 1023;
constexpr unsigned kMostWaiting = 32768;    // beyond: it does not fit into kBuffersMib
constexpr std::uint16_t kUsualRoom = 2048;  // octets of frame
constexpr unsigned kLargeBuffers = 255;
// Jumbo frames, and what a capture of a host with offloads holds.
constexpr std::uint16_t kLargeRoom = Pool::kMostRoom;
constexpr std::uint64_t kSecond = 1'000'000'000;
using Clock = std::chrono::steady_clock;
using Status = tl::expected<void, std::string>;

// A frame on its way: what came in, so that what comes out can be told from it.
struct InFlight {
  const void* buffer;
  std::uint64_t number;
  std::uint64_t time_ns;
};

// The UDP ports that SAs are reached at, either way: what goes there is shown as ESP.
std::vector<std::uint16_t> esp_ports(const config::Config& config) {
  std::vector<std::uint16_t> ports;
  for (const config::SecurityAssociation& sa : config.security_associations)
    if (sa.udp_encap) ports.push_back(sa.udp_encap->destination_port);
  return ports;
}

class Replay {
 public:
  Replay(const config::Config& config, const Options& options)
      : config_(config), options_(options), dissect_{esp_ports(config)}, feed_(kLargeRoom), outputs_(dissect_) {}

  Status prepare();
  Report run();

 private:
  tl::expected<PortId, std::string> port_named(const PortFile& given, const char* option) const;
  Status check_files() const;
  Status open_inputs();
  Status open_outputs();
  Status make_ports();
  Status make_worker();
  bool gather();
  bool feed(const Feed::Frame& frame);
  void tick(std::uint64_t now);
  void turn();
  void collect(std::uint64_t now);
  void collect_audit();
  void explain();
  void account();

  const config::Config& config_;
  const Options& options_;
  const DissectOptions dissect_;
  Report report_;
  Feed feed_;
  Outputs outputs_;
  std::optional<Eal> eal_;  // goes after all that is made of it
  std::optional<Pool> pool_;
  std::optional<Pool> large_pool_;
  std::vector<RingPort> ports_;  // by PortId
  std::unique_ptr<Tables> tables_;
  Places places_;
  std::unique_ptr<Worker> worker_;
  std::optional<ExplainEye> eye_;
  std::vector<InFlight> burst_;  // by Arrival
  PortId burst_port_ = PortId::none();
  std::string summary_;  // of the frame that is explained
  std::uint64_t fed_ = 0;
  std::vector<std::uint64_t> sent_;  // by PortId, before the turn
  std::uint64_t parked_ = 0;         // the same
  Clock::duration in_dataplane_{};
};

tl::expected<PortId, std::string> Replay::port_named(const PortFile& given, const char* option) const {
  std::string names;
  for (std::size_t i = 0; i < config_.ports.size(); ++i) {
    if (config_.ports[i].name == given.port) return PortId(static_cast<std::uint8_t>(i));
    names += (i == 0 ? "" : ", ") + config_.ports[i].name;
  }
  return tl::unexpected(std::string(option) + " " + given.port + "=" + given.file + ": " + config_.file +
                        " has no port '" + given.port + "'; its ports are: " + names);
}

Status Replay::check_files() const {
  std::vector<NamedFile> read{{"the configuration " + config_.file, config_.file}};
  std::vector<NamedFile> written;
  const auto list = [this](const std::vector<PortFile>& files, const char* option,
                           std::vector<NamedFile>& to) -> Status {
    for (const PortFile& file : files) {
      if (const auto port = port_named(file, option); !port) return tl::unexpected(port.error());
      to.push_back({std::string(option) + " " + file.port + "=" + file.file, file.file});
    }
    return {};
  };
  if (auto done = list(options_.in, "--in", read); !done) return done;
  if (auto done = list(options_.expect, "--expect", read); !done) return done;
  if (auto done = list(options_.out, "--out", written); !done) return done;
  return keep_apart(read, written);
}

Status Replay::open_inputs() {
  for (const PortFile& in : options_.in)
    if (auto added = feed_.add(*port_named(in, "--in"), in.file); !added) return added;
  for (const PortFile& expected : options_.expect) {
    const PortId port = *port_named(expected, "--expect");
    if (auto opened = outputs_.expect(port, expected.port, expected.file); !opened) return opened;
  }
  return {};
}

Status Replay::open_outputs() {
  for (const PortFile& out : options_.out)
    if (auto opened = outputs_.write_to(*port_named(out, "--out"), out.file); !opened) return opened;
  return outputs_.complete();
}

Status Replay::make_ports() {
  auto pool = Pool::create("strata_pool", kBuffers + std::min(waiting_buffers(config_), kMostWaiting), kUsualRoom);
  if (!pool) return tl::unexpected(pool.error());
  pool_.emplace(std::move(*pool));
  auto large = Pool::create("strata_large", kLargeBuffers, kLargeRoom);
  if (!large) return tl::unexpected(large.error());
  large_pool_.emplace(std::move(*large));
  if (options_.poison) large_pool_->poison(*options_.poison);
  for (std::size_t i = 0; i < config_.ports.size(); ++i) {
    auto port = RingPort::create("strata_port_" + std::to_string(i), *pool_);
    if (!port) return tl::unexpected(port.error());
    ports_.push_back(std::move(*port));
  }
  return {};
}

Status Replay::make_worker() {
  std::vector<wire::MacAddress> macs;
  for (std::size_t i = 0; i < config_.ports.size(); ++i) {
    // There is no device to ask: a locally administered address that is the same every time.
    const wire::MacAddress ours{{0x02, 0, 0, 0, 0, static_cast<std::uint8_t>(i + 1)}};
    macs.push_back(config_.ports[i].mac.value_or(ours));
  }
  auto built = build(config_, macs);
  if (!built) return tl::unexpected(built.error());
  tables_ = std::move(built->tables);
  places_ = std::move(built->places);
  std::array<std::uint16_t, kMaxPorts> devices{};
  for (std::size_t i = 0; i < ports_.size(); ++i) devices[i] = ports_[i].device();
  auto worker = Worker::create(*tables_, devices, *large_pool_);
  if (!worker) return tl::unexpected(worker.error());
  worker_ = std::move(*worker);
  if (options_.explain) eye_.emplace(config_, places_, *worker_);
  return {};
}

// The pools are smaller than those of a device.
unsigned memory_mib(const config::Config& config) {
  constexpr unsigned kBuffersMib = 224;
  config::MemoryNeed need = config::memory_need(config);
  need.buffers = 0;
  return std::max(kLeastMemoryMib, need.eal_mib() + kBuffersMib);
}

Status Replay::prepare() {
  if (auto done = check_files(); !done) return done;
  if (auto done = open_inputs(); !done) return done;
  auto eal = Eal::start_offline(memory_mib(config_));
  if (!eal) return tl::unexpected(eal.error());
  eal_.emplace(std::move(*eal));
  if (auto done = make_ports(); !done) return done;
  if (auto done = make_worker(); !done) return done;
  // Last: what the files held is lost only when nothing else can fail.
  return open_outputs();
}

// False: no more buffers; what is in flight has to leave first.
bool Replay::feed(const Feed::Frame& frame) {
  const Pool& pool = frame.bytes.size() <= kUsualRoom ? *pool_ : *large_pool_;
  const void* buffer = ports_[frame.port.index()].feed(pool, frame.bytes, options_.poison);
  if (buffer == nullptr) return false;
  burst_.push_back({buffer, ++fed_, frame.time_ns});
  if (eye_) summary_ = summary(frame.bytes, dissect_);
  return true;
}

// The next burst: frames of one port, and of one second, so that what is limited by the second does not depend on how
// the frames are grouped. False: there is none.
bool Replay::gather() {
  burst_.clear();
  const std::size_t most = options_.explain ? 1 : options_.burst;
  while (burst_.size() < most) {
    const auto frame = feed_.front();
    if (!frame) break;
    if (burst_.empty()) burst_port_ = frame->port;
    if (frame->port != burst_port_) break;
    if (!burst_.empty() && frame->time_ns / kSecond != burst_.front().time_ns / kSecond) break;
    if (!feed(*frame)) {
      if (burst_.empty())
        report_.errors.emplace_back("no packet buffers are left: too many packets wait for fragments or for neighbors");
      break;
    }
    feed_.advance();
  }
  return !burst_.empty();
}

// What is due between two bursts happens at its own time, each event before the next.
void Replay::tick(std::uint64_t now) {
  while (worker_->next_due() <= now) {
    const std::uint64_t due = worker_->next_due();
    worker_->tick(due);
    collect(due);
  }
  worker_->tick(now);
  collect(now);
}

void Replay::turn() {
  const std::uint64_t now = burst_.front().time_ns;
  sent_.clear();
  for (std::size_t i = 0; i < ports_.size(); ++i) sent_.push_back(worker_->sent(PortId(static_cast<std::uint8_t>(i))));
  parked_ = worker_->parked();
  const auto start = Clock::now();
  if (eye_) {
    worker_->turn(burst_port_, 0, burst_.size(), now, *eye_);
  } else {
    NoEye blind;
    worker_->turn(burst_port_, 0, burst_.size(), now, blind);
  }
  in_dataplane_ += Clock::now() - start;
}

// Frames leave each port in the order they came in, so the search for each goes on where the last one was found. What
// is none of them began in the gateway.
void Replay::collect(std::uint64_t now) {
  for (std::size_t i = 0; i < ports_.size(); ++i) {
    std::size_t at = 0;
    std::uint64_t time = now;
    ports_[i].collect([&](const void* buffer, std::span<const std::uint8_t> frame) {
      std::size_t found = at;
      while (found < burst_.size() && burst_[found].buffer != buffer) ++found;
      if (found < burst_.size()) {
        at = found;
        time = burst_[found].time_ns;
      }
      outputs_.sent(PortId(static_cast<std::uint8_t>(i)), time, frame);
    });
  }
}

// The events of a burst come stage by stage; told are they packet by packet.
void Replay::collect_audit() {
  std::vector<strata::AuditEvent> events;
  worker_->audit().collect([&](const strata::AuditEvent& event) { events.push_back(event); });
  std::stable_sort(events.begin(), events.end(),
                   [](const auto& a, const auto& b) { return a.from.place() < b.from.place(); });
  for (const strata::AuditEvent& event : events) {
    AuditEvent told{.cause = event.cause,
                    .port = config_.ports[event.from.port().index()].name,
                    .spi = event.spi,
                    .source = wire::to_string(event.source),
                    .destination = wire::to_string(event.destination),
                    .sequence = event.sequence,
                    .time_ns = burst_[static_cast<std::size_t>(event.from.place())].time_ns};
    if (event.inner) {
      told.source = wire::to_string(event.inner->source);
      told.destination = wire::to_string(event.inner->destination);
      told.sequence.reset();
    }
    report_.audit.push_back(std::move(told));
  }
}

void Replay::explain() {
  ExplainedPacket told{.number = burst_.front().number,
                       .port = config_.ports[burst_port_.index()].name,
                       .summary = summary_,
                       .steps = eye_->take_steps(),
                       .end = End::sent,
                       .cause = {},
                       .reason = {},
                       .to = {}};
  for (std::size_t i = 0; i < ports_.size(); ++i)
    if (worker_->sent(PortId(static_cast<std::uint8_t>(i))) != sent_[i]) told.to = config_.ports[i].name;
  const Cause first = worker_->ends().first();
  if (worker_->parked() > parked_) {
    told.end = End::parked;
    told.reason = "waits for its next hop's MAC address, or for more fragments";
    told.to.reset();
  } else if (first != Cause::count_) {
    told.cause = first;
    told.end = end_of(text_of(first).fate);
  }
  options_.explain(std::move(told));
}

void Replay::account() {
  static_cast<Ledger&>(report_) = account_of(config_, places_, *tables_, {worker_.get()});
  const unsigned lost = pool_->in_use() + large_pool_->in_use();
  if (lost != 0) report_.errors.push_back(std::to_string(lost) + " packet buffers were lost on the way");
}

Report Replay::run() {
  report_.config = config_.file;
  report_.explained = static_cast<bool>(options_.explain);
  const auto start = Clock::now();
  while (gather()) {
    const std::uint64_t now = burst_.front().time_ns;
    tick(now);
    turn();
    collect(now);
    collect_audit();
    if (eye_) explain();
  }
  worker_->finish();
  const std::chrono::duration<double> all = Clock::now() - start;
  const std::chrono::duration<double> in_dataplane = in_dataplane_;
  account();
  report_.seconds = all.count();
  if (all.count() > 0) report_.packets_per_second = static_cast<double>(report_.received) / all.count();
  report_.dataplane_seconds = in_dataplane.count();
  if (in_dataplane.count() > 0)
    report_.dataplane_packets_per_second = static_cast<double>(report_.received) / in_dataplane.count();
  for (std::string& error : feed_.errors()) report_.errors.push_back(std::move(error));
  outputs_.finish(report_);
  return std::move(report_);
}

}  // namespace

tl::expected<Report, std::string> replay(const config::Config& config, const Options& options) {
  Replay made(config, options);
  if (auto prepared = made.prepare(); !prepared) return tl::unexpected(std::move(prepared.error()));
  return made.run();
}

}  // namespace strata::replay
