#include "control/gateway.hpp"

#include <chrono>

#include "control/build.hpp"
#include "control/log.hpp"
#include "control/signals.hpp"

namespace strata {
namespace {

// Beyond what the devices' queues hold: bursts on their way, and the caches of pools.
constexpr unsigned kSpareBuffers = 2048;
// What the gateway makes itself: ARP, fragments, packets put together of several buffers or fragments.
constexpr unsigned kMadeBuffers = 1023;
constexpr std::uint16_t kMadeRoom = 9728;
// After the end was asked for: what the queues hold still, and no more than that when packets go on coming.
constexpr unsigned kDrainRounds = 1024;

std::uint64_t now_ns() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(since).count());
}

}  // namespace

tl::expected<std::unique_ptr<Gateway>, std::string> Gateway::start(const config::Config& config,
                                                                   const std::vector<std::string>& words) {
  auto eal = Eal::start_live(config, words);
  if (!eal) return tl::unexpected(eal.error());
  std::unique_ptr<Gateway> gateway(new Gateway(config, std::move(*eal)));
  if (auto done = gateway->open_devices(); !done) return tl::unexpected(done.error());
  if (auto done = gateway->make_worker(); !done) return tl::unexpected(done.error());
  return gateway;
}

tl::expected<void, std::string> Gateway::open_devices() {
  unsigned buffers = kSpareBuffers;
  std::uint16_t room = 0;
  for (const config::Port& port : config_.ports) {
    auto device = Device::open(port);
    if (!device) return tl::unexpected(device.error());
    buffers += device->buffers();
    room = std::max(room, device->room());
    devices_.push_back(std::move(*device));
  }
  auto pool = Pool::create("strata_pool", buffers, room);
  if (!pool) return tl::unexpected(pool.error());
  pool_.emplace(std::move(*pool));
  auto made = Pool::create("strata_made", kMadeBuffers, std::max(room, kMadeRoom));
  if (!made) return tl::unexpected(made.error());
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
    log_line("port " + config_.ports[i].name + " is " + config_.ports[i].device + " (" + devices_[i].driver() +
             "), MAC " + wire::to_string(macs[i]) + ", MTU " + std::to_string(config_.ports[i].mtu));
  }
  auto tables = build_tables(config_, macs);
  if (!tables) return tl::unexpected(tables.error());
  tables_ = std::move(*tables);
  auto worker = Worker::create(*tables_, ids, *made_pool_);
  if (!worker) return tl::unexpected(worker.error());
  worker_ = std::move(*worker);
  return {};
}

std::size_t Gateway::poll() {
  NoEye blind;
  std::size_t received = 0;
  const std::uint64_t now = now_ns();
  worker_->tick(now);
  for (std::size_t i = 0; i < devices_.size(); ++i)
    received += worker_->turn(PortId(static_cast<std::uint8_t>(i)), 0, kBurstSize, now, blind);
  return received;
}

void Gateway::run() {
  for (std::size_t i = 0; i < devices_.size(); ++i) worker_->announce(PortId(static_cast<std::uint8_t>(i)));
  log_line("running; SIGTERM or SIGINT ends it");
  while (!end_asked()) idle_.after(poll());
  log_line("ending");
  drain();
}

void Gateway::drain() {
  for (unsigned i = 0; i < kDrainRounds && poll() != 0; ++i) {}
  worker_->finish();
}

unsigned Gateway::stop() {
  devices_.clear();
  return pool_->in_use() + made_pool_->in_use();
}

}  // namespace strata
