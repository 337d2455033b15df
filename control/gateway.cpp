#include "control/gateway.hpp"

#include <thread>

#include "control/account.hpp"
#include "control/build.hpp"
#include "control/log.hpp"
#include "control/signals.hpp"

namespace strata {
namespace {

// Beyond what queues hold and what waits: bursts on their way, the pool's cache.
constexpr unsigned kSpareBuffers = 2048;
// What the gateway makes itself: ARP, fragments, packets put together of several buffers or fragments.
constexpr unsigned kMadeBuffers = 1023;
constexpr std::uint16_t kMadeRoom = 9728;
// After the end was asked for: all that queues hold, but not for ever when packets go on coming.
constexpr unsigned kDrainRounds = 1024;
constexpr std::chrono::seconds kBetweenLooks{1};
constexpr std::chrono::milliseconds kRingsEmptyIn{50};  // 4096 packets of 1500 octets at 1 Gbit/s

std::uint64_t nanoseconds(std::chrono::steady_clock::time_point time) {
  return static_cast<std::uint64_t>(std::chrono::nanoseconds(time.time_since_epoch()).count());
}

PortId port_id(std::size_t index) { return PortId(static_cast<std::uint8_t>(index)); }

}  // namespace

tl::expected<std::unique_ptr<Gateway>, std::string> Gateway::start(const config::Config& config,
                                                                   const RunOptions& options) {
  auto eal = Eal::start_live(config, options.eal);
  if (!eal) return tl::unexpected(eal.error());
  std::unique_ptr<Gateway> gateway(new Gateway(config, options, std::move(*eal)));
  if (auto done = gateway->open_devices(); !done) return tl::unexpected(done.error());
  if (auto done = gateway->make_worker(); !done) return tl::unexpected(done.error());
  return gateway;
}

tl::expected<void, std::string> Gateway::open_devices() {
  unsigned buffers = kSpareBuffers + waiting_buffers(config_);
  // Drivers keep what they have sent until its descriptor is used again: all of it may be of this pool.
  unsigned made_buffers = kMadeBuffers;
  std::uint16_t room = 0;
  for (const config::Port& port : config_.ports) {
    auto device = Device::open(port);
    if (!device) return tl::unexpected(device.error());
    buffers += device->buffers();
    made_buffers += device->tx_buffers();
    room = std::max(room, device->room());
    devices_.push_back(std::move(*device));
  }
  auto pool = Pool::create("strata_pool", buffers, room);
  if (!pool) {
    return tl::unexpected(pool.error() + "; each takes " + std::to_string(room) + " octets: raise eal.memory (now " +
                          std::to_string(config_.eal.memory) + " MiB) or lower the ports' descriptors");
  }
  pool_.emplace(std::move(*pool));
  auto made = Pool::create("strata_made", made_buffers, std::max(room, kMadeRoom));
  if (!made) return tl::unexpected(made.error() + "; raise eal.memory");
  made_pool_.emplace(std::move(*made));
  for (Device& device : devices_)
    if (auto done = device.start(*pool_); !done) return done;
  return {};
}

tl::expected<void, std::string> Gateway::make_worker() {
  std::vector<wire::MacAddress> macs;
  std::array<std::uint16_t, kMaxPorts> ids{};
  for (std::size_t i = 0; i < devices_.size(); ++i) {
    macs.push_back(devices_[i].mac());
    ids[i] = devices_[i].id();
  }
  auto tables = build_tables(config_, macs);
  if (!tables) return tl::unexpected(tables.error());
  tables_ = std::move(*tables);
  auto worker = Worker::create(*tables_, ids, *made_pool_);
  if (!worker) return tl::unexpected(worker.error());
  worker_ = std::move(*worker);
  for (std::size_t i = 0; i < devices_.size(); ++i)
    if (devices_[i].sums_headers()) worker_->believe_header_sums(port_id(i));
  return {};
}

// All queues once.
std::size_t Gateway::round(Clock::time_point now) {
  NoEye blind;
  std::size_t received = 0;
  worker_->tick(nanoseconds(now));
  for (std::size_t i = 0; i < devices_.size(); ++i) {
    for (std::uint16_t queue = 0; queue < devices_[i].queues(); ++queue)
      received += worker_->turn(port_id(i), queue, kBurstSize, nanoseconds(now), blind);
  }
  return received;
}

void Gateway::tell_audit() {
  worker_->audit().collect([this](const AuditEvent& event) { log_line(audit_text(config_, event)); });
}

void Gateway::look_at_links() {
  for (std::size_t i = 0; i < devices_.size(); ++i) {
    if (!devices_[i].link_changed()) continue;
    log_line("port " + config_.ports[i].name + ": link is " + devices_[i].link_text());
    if (devices_[i].is_up()) worker_->announce(port_id(i));
  }
}

void Gateway::tell_rates(Clock::time_point now) {
  const std::chrono::duration<double> since = now - next_rates_ + options_.statistics;
  for (std::size_t i = 0; i < devices_.size(); ++i) log_line(rates_[i].line(devices_[i].count(), since.count()));
  next_rates_ = now + options_.statistics;
}

// What is not the packets' business, each second.
void Gateway::look_around(Clock::time_point now) {
  next_look_ = now + kBetweenLooks;
  look_at_links();
  if (options_.statistics.count() != 0 && now >= next_rates_) tell_rates(now);
  if (report_asked() && options_.on_request) options_.on_request(report());
}

RunReport Gateway::run() {
  std::vector<RxQueue> queues;
  for (std::size_t i = 0; i < devices_.size(); ++i) {
    log_line("port " + config_.ports[i].name + ": " + config_.ports[i].device + ", " + devices_[i].text());
    for (std::uint16_t queue = 0; queue < devices_[i].queues(); ++queue) queues.push_back({devices_[i].id(), queue});
  }
  Idle idle(std::move(queues));
  rates_.resize(devices_.size());
  start_ = Clock::now();
  next_rates_ = start_ + options_.statistics;
  log_line(std::string("running; idle, it waits ") +
           (idle.by_interrupt() ? "for the devices' interrupts" : "in short sleeps") + "; SIGTERM or SIGINT ends it");
  while (!end_asked()) {
    const Clock::time_point now = Clock::now();
    const std::size_t received = round(now);
    tell_audit();
    if (now >= next_look_) look_around(now);
    idle.after(received);
  }
  log_line("ending");
  drain();
  return end();
}

void Gateway::drain() {
  for (unsigned i = 0; i < kDrainRounds && round(Clock::now()) != 0; ++i) {}
  worker_->finish();
  tell_audit();
  // A driver that is stopped throws away what its rings still hold.
  std::this_thread::sleep_for(kRingsEmptyIn);
}

RunReport Gateway::report() {
  RunReport report;
  static_cast<Ledger&>(report) = account_of(config_, *tables_, *worker_);
  report.config = config_.file;
  report.seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  for (Device& device : devices_) report.devices.push_back(device.count());
  return report;
}

RunReport Gateway::end() {
  RunReport last = report();
  unsigned kept = 0;
  for (const Device& device : devices_) kept += device.keeps();
  devices_.clear();
  last.buffers_missing = pool_->in_use() + made_pool_->in_use() - kept;
  if (*last.buffers_missing != 0)
    last.errors.push_back(std::to_string(*last.buffers_missing) + " packet buffers were lost on the way");
  return last;
}

}  // namespace strata
