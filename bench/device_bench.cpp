#include "bench/device_bench.hpp"

#include <rte_cycles.h>
#include <rte_dev.h>

#include <algorithm>
#include <chrono>
#include <optional>

#include "bench/bed.hpp"
#include "bench/played_capture.hpp"
#include "bench/series.hpp"
#include "control/build.hpp"
#include "control/device.hpp"
#include "control/device_name.hpp"
#include "control/doctor/hugepages.hpp"
#include "control/eal.hpp"
#include "dataplane/wire/ethernet.hpp"

namespace strata::bench {
namespace {

constexpr std::uint32_t kMemoryMib = 640;
constexpr std::size_t kPackets = 256;  // of the capture
constexpr std::uint16_t kRoom = 2048;
constexpr unsigned kSpareBuffers = 2048;
constexpr unsigned kMadeBuffers = 1023;
constexpr unsigned kRoundsASecond = 1000;  // shorter than what a scheduler gives away
constexpr const char* kTaker = "net_null0,no-rx=1";

using Status = tl::expected<void, std::string>;

PortId port_id(std::size_t index) { return PortId(static_cast<std::uint8_t>(index)); }

std::uint64_t nanoseconds_now() {
  return static_cast<std::uint64_t>(
      std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count());
}

// What EAL finds at its start are the devices of PCI; the others are made when they are needed.
tl::expected<Eal, std::string> start_eal(const Options& options) {
  config::Config config;
  config.eal.memory = kMemoryMib;
  for (const std::string& device : {options.rx, options.tx}) {
    if (!is_pci(device)) continue;
    config.ports.emplace_back();
    config.ports.back().device = device;
  }
  return Eal::start_live(config, {});
}

// A device that EAL did not find at its start, as long as this lives.
class MadeDevice {
 public:
  static tl::expected<MadeDevice, std::string> create(const std::string& device) {
    if (is_pci(device)) return MadeDevice({});
    if (rte_dev_probe(device.c_str()) != 0) return tl::unexpected("DPDK cannot make the device " + device);
    return MadeDevice(name_of_device(device));
  }
  MadeDevice(MadeDevice&& other) noexcept : name_(std::exchange(other.name_, {})) {}
  MadeDevice& operator=(MadeDevice&&) = delete;
  ~MadeDevice() {
    if (!name_.empty()) rte_eal_hotplug_remove("vdev", name_.c_str());
  }

 private:
  explicit MadeDevice(std::string name) : name_(std::move(name)) {}
  std::string name_;
};

// A packet of each size in turn, as the sender gets them, and as it seals them.
struct Packets {
  Pool pool;
  Stock sealed;
  Frames plain;

  static tl::expected<Packets, std::string> create(const Scene& scene, const std::vector<unsigned>& sizes) {
    auto pool = Pool::create("bench_packets", 2 * kPackets - 1, kRoom);
    if (!pool) return tl::unexpected(pool.error());
    auto stock = Stock::create(*pool, kPackets);
    if (!stock) return tl::unexpected(stock.error());
    Packets made{std::move(*pool), std::move(*stock), {}};
    for (std::size_t i = 0; i < kPackets; ++i) {
      made.plain.push_back(frame(sizes[i % sizes.size()]));
      made.sealed.fill(i, made.plain.back());
    }
    auto gateway = BenchGateway::create("maker", sender(scene), made.pool, 1);
    if (!gateway) return tl::unexpected(gateway.error());
    for (std::size_t first = 0; first < kPackets; first += kTurn)
      if (auto done = (*gateway)->pass(made.sealed, first, kLan, kWan, nullptr); !done)
        return tl::unexpected(done.error());
    return made;
  }

  Frames frames(Direction direction) const {
    if (direction == Direction::out) return plain;
    Frames made;
    for (std::size_t i = 0; i < kPackets; ++i) {
      const std::span<std::uint8_t> octets = sealed.bytes(i);
      made.emplace_back(octets.begin(), octets.end());
    }
    return made;
  }
};

// A gateway of the scene between the two devices.
class DeviceGateway {
 public:
  static tl::expected<std::unique_ptr<DeviceGateway>, std::string> create(config::Config config) {
    std::unique_ptr<DeviceGateway> made(new DeviceGateway(std::move(config)));
    if (auto done = made->open(); !done) return tl::unexpected(done.error());
    return made;
  }

  // For a part of a second.
  void round(std::size_t from, Series& series) {
    const std::uint64_t length = rte_get_tsc_hz() / kRoundsASecond;
    const std::uint64_t before = worker_->received(port_id(from));
    const std::uint64_t start = rte_rdtsc_precise();
    std::uint64_t end = start;
    std::uint64_t busy = 0;
    while (end - start < length) {
      const std::uint64_t begin = end;
      const std::size_t received = turn();
      end = rte_rdtsc_precise();
      if (received != 0) busy += end - begin;
    }
    const std::uint64_t packets = worker_->received(port_id(from)) - before;
    if (packets != 0) series.journey.push_back(for_each(busy, packets));
  }

  // How many packets ended before the other port, which may be too slow for the rest.
  std::uint64_t lost(std::size_t from, std::size_t to) const {
    const std::uint64_t came = worker_->received(port_id(from));
    return came - std::min(came, worker_->sent(port_id(to)) + worker_->ends().count(Cause::tx_full));
  }

 private:
  explicit DeviceGateway(config::Config config) : config_(std::move(config)) {}

  Status open() {
    unsigned buffers = kSpareBuffers;
    std::uint16_t room = kRoom;
    std::vector<wire::MacAddress> macs;
    for (const config::Port& port : config_.ports) {
      auto device = Device::open(port, 1);
      if (!device) return tl::unexpected(device.error());
      buffers += device->buffers();
      room = std::max(room, device->room());
      macs.push_back(device->mac());
      devices_.push_back(std::move(*device));
    }
    auto pool = Pool::create("bench_devices", buffers, room);
    if (!pool) return tl::unexpected(pool.error());
    pool_.emplace(std::move(*pool));
    auto made = Pool::create("bench_made", kMadeBuffers, room);
    if (!made) return tl::unexpected(made.error());
    made_pool_.emplace(std::move(*made));
    for (Device& device : devices_)
      if (auto done = device.start(*pool_); !done) return done;
    return make_worker(macs);
  }

  Status make_worker(const std::vector<wire::MacAddress>& macs) {
    auto tables = build_tables(config_, macs);
    if (!tables) return tl::unexpected(tables.error());
    tables_ = std::move(*tables);
    std::array<std::uint16_t, kMaxPorts> ids{};
    std::ranges::transform(devices_, ids.begin(), [](const Device& device) { return device.id(); });
    auto worker = Worker::create(*tables_, ids, *made_pool_);
    if (!worker) return tl::unexpected(worker.error());
    worker_ = std::move(*worker);
    return {};
  }

  // As `strata run` does it.
  std::size_t turn() {
    NoEye blind;
    std::size_t received = 0;
    const std::uint64_t now_ns = nanoseconds_now();
    worker_->tick(now_ns);
    for (std::size_t i = 0; i < devices_.size(); ++i)
      for (std::uint16_t queue = 0; queue < devices_[i].queues(); ++queue)
        received += worker_->turn(port_id(i), queue, kTurn, now_ns, blind);
    return received;
  }

  config::Config config_;
  std::optional<Pool> pool_;
  std::optional<Pool> made_pool_;
  std::vector<Device> devices_;
  std::unique_ptr<Tables> tables_;
  std::unique_ptr<Worker> worker_;
};

class DeviceBench {
 public:
  explicit DeviceBench(const Options& options) : options_(options) {}

  tl::expected<Report, std::string> run() {
    Report report;
    report.hugepages = allowed_mib(hugepage_sizes(Machine())) >= kMemoryMib;
    auto eal = start_eal(options_);
    if (!eal) return tl::unexpected(eal.error());
    report.cpu = Machine().value("proc/cpuinfo", "model name");
    report.tsc_mhz = static_cast<double>(rte_get_tsc_hz()) / 1e6;
    report.esn = options_.esn;
    report.rounds = options_.rounds;
    report.devices = {options_.rx.empty() ? "net_pcap" : options_.rx, options_.tx.empty() ? "net_null" : options_.tx};
    for (const std::string& size : options_.sizes) {
      for (const Direction direction : options_.directions) {
        auto result = measure(direction, size);
        if (!result) return tl::unexpected(result.error());
        report.results.push_back(std::move(*result));
      }
    }
    return report;
  }

 private:
  // The numbers of packets that a device plays over and over come again.
  Scene scene() const { return {1, 0, options_.algorithm, options_.esn, 0}; }

  tl::expected<Result, std::string> measure(Direction direction, const std::string& size) {
    auto packets = Packets::create(scene(), sizes_of(size));
    if (!packets) return tl::unexpected(packets.error());
    std::optional<PlayedCapture> capture;
    if (options_.rx.empty()) {
      auto played = PlayedCapture::create(packets->frames(direction));
      if (!played) return tl::unexpected(played.error());
      capture.emplace(std::move(*played));
    }
    const std::string rx = capture ? capture->device() : options_.rx;
    const std::string tx = options_.tx.empty() ? kTaker : options_.tx;
    auto taken = MadeDevice::create(rx);
    if (!taken) return tl::unexpected(taken.error());
    auto given = MadeDevice::create(tx);
    if (!given) return tl::unexpected(given.error());
    return measure(direction, size, rx, tx, *packets);
  }

  tl::expected<Result, std::string> measure(Direction direction, const std::string& size, const std::string& rx,
                                            const std::string& tx, Packets& packets) {
    const std::size_t from = direction == Direction::in ? kWan : kLan;
    const std::size_t to = direction == Direction::in ? kLan : kWan;
    config::Config config = direction == Direction::in ? receiver(scene()) : sender(scene());
    config.ports[from].device = rx;
    config.ports[to].device = tx;
    for (config::Port& port : config.ports) port.promiscuous = true;
    auto crypto = CryptoAlone::create(algorithm_of(options_.algorithm), options_.esn);
    if (!crypto) return tl::unexpected(std::string("intel-ipsec-mb does not run on this CPU"));
    auto gateway = DeviceGateway::create(std::move(config));
    if (!gateway) return tl::unexpected(gateway.error());
    std::vector<std::span<std::uint8_t>> texts;
    for (std::size_t i = 0; i < kPackets; ++i) texts.push_back(text_of(packets.sealed.bytes(i)));
    Series series;
    Series first;
    (*gateway)->round(from, first);  // caches and predictors learn
    for (unsigned i = 0; i < options_.rounds; ++i) {
      (*gateway)->round(from, series);
      (void)crypto->cycles(direction, texts);  // the journeys have had the caches
      series.crypto.push_back(for_each(crypto->cycles(direction, texts), kPackets));
    }
    if (series.journey.empty()) return tl::unexpected("no packets came from the device " + rx);
    if (const std::uint64_t lost = (*gateway)->lost(from, to); lost != 0) {
      return tl::unexpected(std::to_string(lost) + " packets of " + rx + " did not leave by " + tx +
                            "; they must be as the journey wants them: docs/performance.md");
    }
    return result(series, direction, size, packets);
  }

  Result result(const Series& series, Direction direction, const std::string& size, const Packets& packets) const {
    std::size_t octets = 0;
    for (const auto& frame : packets.plain) octets += frame.size() - wire::kEthernetHeaderLength;
    Result made = result_of(series, direction, for_each(octets, packets.plain.size()));
    made.size = size;
    return made;
  }

  const Options& options_;
};

}  // namespace

tl::expected<Report, std::string> run_on_devices(const Options& options) { return DeviceBench(options).run(); }

}  // namespace strata::bench
